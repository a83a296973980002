/** Keys that do something anywhere in a view. The sheet (`?`) shows those that work where one is. */
import { useEffect, useRef } from 'react'
import { Store } from '../parts/store.ts'

export interface Shortcut {
  /** As `event.key` has it: `n`, `?`, `Escape`; or two keys one after the other: `g a`; with `mod+` for Ctrl or Command. */
  keys: string
  /** What it does, in the language of the page. */
  label: string
  run: () => void
}

export const shortcuts = new Store<readonly Shortcut[]>([])

/** The time between two keys of one shortcut, in ms. */
const PAIR_MS = 1_200

const isTyping = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable="true"]') !== null

/** Adds shortcuts for as long as the component stands. `run` may be another function at each rendering. */
export function useShortcuts(mine: readonly Shortcut[]): void {
  const latest = useRef(mine)
  latest.current = mine
  const shown = mine.map(({ keys, label }) => `${keys}\n${label}`).join('\n\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown of them is what they are known by.
  useEffect(() => {
    const added = latest.current.map(({ keys, label }) => ({
      keys,
      label,
      run: () => latest.current.find((one) => one.keys === keys)?.run(),
    }))
    shortcuts.set([...shortcuts.get(), ...added])
    return () => shortcuts.set(shortcuts.get().filter((one) => !added.includes(one)))
  }, [shown])
}

let before: { key: string; at: number } | undefined

/** In text fields only those with `mod+` work; in dialogs and menus keys are theirs. */
function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return
  const isMod = event.ctrlKey || event.metaKey
  if (!isMod && (isTyping(event) || document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')))
    return
  const key = isMod ? `mod+${event.key.toLowerCase()}` : event.key
  const pair = before && event.timeStamp - before.at < PAIR_MS ? `${before.key} ${key}` : undefined
  const all = shortcuts.get()
  // The latest one counts: it is the view's, the others the shell's.
  const found = all.findLast(({ keys }) => keys === pair) ?? all.findLast(({ keys }) => keys === key)
  before = found ? undefined : { key, at: event.timeStamp }
  if (!found) return
  event.preventDefault()
  found.run()
}

window.addEventListener('keydown', onKey)
