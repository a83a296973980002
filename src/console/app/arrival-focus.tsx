import { useEffect, useRef } from 'react'
import { useLocation } from 'wouter'

/** How long a view may take to show its heading, in ms. */
const PATIENCE_MS = 5_000

/** After going to another view, focus is at its heading: screen readers say where one is, and Tab goes on from there. */
export function ArrivalFocus() {
  const [path] = useLocation()
  const before = useRef(path)
  useEffect(() => {
    if (before.current === path) return
    before.current = path
    window.scrollTo(0, 0)
    let title: HTMLElement | null = null
    const focus = () => {
      // The heading of a view that loads gives way to that of what it has loaded, and takes the focus along.
      if (title && (title.isConnected || document.activeElement !== document.body)) return
      title = document.querySelector<HTMLElement>('[data-page-title]')
      title?.focus({ preventScroll: true })
    }
    focus()
    const watch = new MutationObserver(focus)
    watch.observe(document.body, { childList: true, subtree: true })
    const timer = setTimeout(() => watch.disconnect(), PATIENCE_MS)
    return () => {
      clearTimeout(timer)
      watch.disconnect()
    }
  }, [path])
  return null
}
