import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import { useWords } from '../words/use-words.ts'
import { classes } from './class-names.ts'

/** A dialog over the page: focus stays in it, Escape closes it, and focus goes back to where it was. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  wide = false,
  isForm = false,
  footer,
  children,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description?: ReactNode
  wide?: boolean
  /** The focus begins in its first field. */
  isForm?: boolean
  /** Buttons, the one that does it last. */
  footer?: ReactNode
  children?: ReactNode
}) {
  const t = useWords()
  const body = useRef<HTMLDivElement>(null)
  // With a finger it would bring up the keys over half of what is asked.
  const toField = (opened: string) =>
    opened === 'touch' || (body.current?.querySelector<HTMLElement>('input, textarea, select') ?? true)
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-[rgb(20_18_15/45%)] transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Popup
          initialFocus={isForm ? toField : undefined}
          className={classes(
            'fixed inset-x-0 bottom-0 z-40 mx-auto flex max-h-[92dvh] flex-col rounded-t-2xl border border-line bg-card shadow-card outline-none',
            'sm:top-[10dvh] sm:bottom-auto sm:max-h-[80dvh] sm:rounded-2xl',
            'transition-[opacity,translate] data-ending-style:translate-y-3 data-ending-style:opacity-0 data-starting-style:translate-y-3 data-starting-style:opacity-0',
            wide ? 'w-full max-w-3xl' : 'w-full max-w-lg',
          )}
        >
          <div className="flex items-start gap-3 px-5 pt-4">
            <div className="min-w-0 flex-1">
              <Base.Title className="text-xl">{title}</Base.Title>
              {description && <Base.Description className="mt-1 text-ink-soft">{description}</Base.Description>}
            </div>
            <Base.Close
              aria-label={t('action.close')}
              className="grid size-9 shrink-0 place-items-center rounded-lg text-ink-soft hover:bg-sunken hover:text-ink"
            >
              <X aria-hidden="true" className="size-5" />
            </Base.Close>
          </div>
          <div ref={body} className="min-h-0 flex-1 overflow-y-auto px-5 py-4">
            {children}
          </div>
          {footer && <div className="flex flex-wrap justify-end gap-2 border-line border-t px-5 py-3">{footer}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
