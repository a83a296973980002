import { Dialog } from '../parts/dialog.tsx'
import { useStore } from '../parts/store.ts'
import { useWords } from '../words/use-words.ts'
import { shortcuts } from './shortcuts.ts'

const isMac = navigator.platform.startsWith('Mac')
const shownKey = (key: string) =>
  key
    .replace('mod+', isMac ? '⌘ ' : 'Ctrl ')
    .replace('Escape', 'Esc')
    .replace('Enter', '↵')

/** Every shortcut that works where one is. */
export default function ShortcutList({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useWords()
  const all = useStore(shortcuts)
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t('shortcut.title')}>
      <dl className="grid gap-1">
        {all.map(({ keys, label }) => (
          <div key={keys} className="flex items-center justify-between gap-4 py-1.5">
            <dt>{label}</dt>
            <dd className="flex gap-1">
              {keys.split(' ').map((key, at) => (
                <kbd
                  // biome-ignore lint/suspicious/noArrayIndexKey: one may be pressed twice, and they never move.
                  key={at}
                  className="rounded-md border border-line-strong border-b-2 bg-sunken px-2 py-0.5 font-mono text-sm"
                >
                  {shownKey(key)}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
