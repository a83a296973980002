import { X } from 'lucide-react'
import { useWords } from '../words/use-words.ts'
import { classes } from './class-names.ts'
import { Store, useStore } from './store.ts'

interface Toast {
  id: number
  text: string
  kind: 'done' | 'trouble'
  /** What can be done about it, such as to undo it. */
  action?: { label: string; run: () => void } | undefined
}

const SHOWN_MS = 7_000
/** More than these would cover the page; the oldest go. */
const MOST = 4
const toasts = new Store<readonly Toast[]>([])
let last = 0

const drop = (id: number) => toasts.set(toasts.get().filter((one) => one.id !== id))

/** Says something in the corner, and to screen readers, for some seconds; trouble stays until it is read. */
export function toast(text: string, { kind = 'done', action }: Partial<Pick<Toast, 'kind' | 'action'>> = {}): void {
  last++
  const id = last
  toasts.set([...toasts.get(), { id, text, kind, action }].slice(-MOST))
  if (kind === 'done') setTimeout(() => drop(id), SHOWN_MS)
}

/** Where toasts are shown; once, in the shell: away from the ends of lines, where buttons are, and on a phone from what is written in. */
export function Toasts() {
  const t = useWords()
  const shown = useStore(toasts)
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-4 top-14 z-50 flex flex-col gap-2 sm:top-auto sm:bottom-4 sm:mx-auto sm:w-96"
    >
      {shown.map(({ id, text, kind, action }) => (
        <div
          key={id}
          className={classes(
            'pointer-events-auto flex w-full items-center gap-3 rounded-card border bg-card p-3 ps-4 shadow-card',
            kind === 'trouble' ? 'border-danger' : 'border-line',
          )}
        >
          <p className="min-w-0 flex-1 break-words text-sm">{text}</p>
          {action && (
            <button
              type="button"
              className="font-medium text-accent text-sm underline-offset-2 hover:underline"
              onClick={() => {
                drop(id)
                action.run()
              }}
            >
              {action.label}
            </button>
          )}
          <button
            type="button"
            aria-label={t('action.dismiss')}
            className="grid size-8 place-items-center rounded-md text-ink-soft hover:bg-sunken"
            onClick={() => drop(id)}
          >
            <X aria-hidden="true" className="size-4" />
          </button>
        </div>
      ))}
    </div>
  )
}
