import { useCallback, useEffect, useRef, useState } from 'react'

const PREFIX = 'chatsparty.draft.'
const ORDER = `${PREFIX}order`
/** Of this many conversations what was not sent is kept; the oldest goes. */
const MOST = 50
/** The time without a key pressed after which it is kept, in ms. */
const PAUSE_MS = 400

/**
 * What is being written, kept by the browser until it is sent: by conversation, and one for a new one; or by what else is written for. `forget` is
 * for what needs no keeping any more, though it may still be shown: nothing that is written after that is kept.
 */
export function useDraft(name: string): [text: string, setText: (text: string) => void, forget: () => void] {
  const key = PREFIX + name
  const [text, setText] = useState(() => localStorage.getItem(key) ?? '')
  const latest = useRef(text)
  latest.current = text
  const isForgotten = useRef(false)
  useEffect(() => {
    const timer = setTimeout(() => isForgotten.current || keep(key, text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [key, text])
  // Whoever leaves within the pause has it kept too.
  useEffect(() => {
    const leave = () => isForgotten.current || keep(key, latest.current)
    window.addEventListener('pagehide', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      leave()
    }
  }, [key])
  const forget = useCallback(() => {
    isForgotten.current = true
    keep(key, '')
  }, [key])
  return [text, setText, forget]
}

/** Forgets what was written for what is over. */
export function forgetDrafts(isOver: (name: string) => boolean): void {
  for (const key of order()) if (isOver(key.slice(PREFIX.length))) keep(key, '')
}

/** First out, then in: the order of keys is of no browser's promise, so the oldest is known by a list. */
const order = (): string[] => (localStorage.getItem(ORDER) ?? '').split('\n').filter((one) => one !== '')

function keep(key: string, text: string): void {
  const kept = order().filter((one) => one !== key)
  if (text === '') localStorage.removeItem(key)
  else {
    kept.push(key)
    for (const old of kept.splice(0, Math.max(0, kept.length - MOST))) localStorage.removeItem(old)
    try {
      localStorage.setItem(key, text)
    } catch {
      // The browser's room is full: the draft lasts as long as the page.
    }
  }
  localStorage.setItem(ORDER, kept.join('\n'))
}
