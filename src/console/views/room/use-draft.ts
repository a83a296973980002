import { useCallback, useEffect, useRef, useState } from 'react'
import { keepDraft, keptDraft } from '../../session/drafts.ts'

/** The time without a key pressed after which it is kept, in ms. */
const PAUSE_MS = 400

/**
 * What is being written, kept by the browser until it is sent: by conversation, and one for a new one; or by what else is written for. `forget` is
 * for what needs no keeping any more, though it may still be shown: nothing that is written after that is kept.
 */
export function useDraft(name: string): [text: string, setText: (text: string) => void, forget: () => void] {
  const [text, setText] = useState(() => keptDraft(name))
  const latest = useRef(text)
  latest.current = text
  const isForgotten = useRef(false)
  useEffect(() => {
    const timer = setTimeout(() => isForgotten.current || keepDraft(name, text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [name, text])
  // Whoever leaves within the pause has it kept too.
  useEffect(() => {
    const leave = () => isForgotten.current || keepDraft(name, latest.current)
    window.addEventListener('pagehide', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      leave()
    }
  }, [name])
  const forget = useCallback(() => {
    isForgotten.current = true
    keepDraft(name, '')
  }, [name])
  return [text, setText, forget]
}
