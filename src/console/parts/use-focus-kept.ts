import { type RefObject, useEffect, useRef } from 'react'

/**
 * Of a list whose items go away by themselves: who had the focus in one that is gone goes on at the list, and not at the beginning of the page.
 * The list has to be able to take it (`tabIndex={-1}`). With a list that goes away as a whole it is at what the view is about.
 */
export function useFocusKept<Element extends HTMLElement>(count: number): RefObject<Element | null> {
  const list = useRef<Element>(null)
  const was = useRef(false)
  useEffect(() => {
    const note = ({ target }: FocusEvent) => {
      was.current = target instanceof Node && list.current !== null && list.current.contains(target)
    }
    document.addEventListener('focusin', note)
    return () => document.removeEventListener('focusin', note)
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at each time that items come or go.
  useEffect(() => {
    if (was.current && document.activeElement === document.body)
      (list.current ?? document.getElementById('main'))?.focus()
  }, [count])
  return list
}
