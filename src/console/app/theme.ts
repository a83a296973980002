/** Light or dark: as the system has it, unless something else was chosen. */
import { useSyncExternalStore } from 'react'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'chatsparty.theme'
const listeners = new Set<() => void>()

function current(): Theme {
  const chosen = localStorage.getItem(KEY)
  return THEMES.find((theme) => theme === chosen) ?? 'system'
}

/** The colours themselves follow `color-scheme` (style.css). */
export function applyTheme(): void {
  const theme = current()
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme)
  applyTheme()
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, current)
