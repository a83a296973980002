import { lazy, Suspense, useState } from 'react'
import { useWords } from '../words/use-words.ts'
import { useShortcuts } from './shortcuts.ts'

const ShortcutList = lazy(() => import('./shortcut-list.tsx'))

/** `?`: the list of shortcuts, loaded when it is asked for. */
export function ShortcutSheet() {
  const t = useWords()
  const [isOpen, setIsOpen] = useState<boolean>()
  useShortcuts([{ keys: '?', label: t('shortcut.sheet'), run: () => setIsOpen(true) }])
  return (
    <Suspense fallback={null}>
      {isOpen !== undefined && <ShortcutList open={isOpen} onOpenChange={setIsOpen} />}
    </Suspense>
  )
}
