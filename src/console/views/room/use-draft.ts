import { useEffect, useRef, useState } from 'react'

const PREFIX = 'chatsparty.draft.'
/** Of this many conversations what was not sent is kept; the oldest goes. */
const MOST = 50
/** The time without a key pressed after which it is kept, in ms. */
const PAUSE_MS = 400

/** What is being written, kept by the browser until it is sent: by conversation, and one for a new one. */
export function useDraft(name: string): [text: string, setText: (text: string) => void] {
  const key = PREFIX + name
  const [text, setText] = useState(() => localStorage.getItem(key) ?? '')
  const latest = useRef(text)
  latest.current = text
  useEffect(() => {
    const timer = setTimeout(() => keep(key, text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [key, text])
  // Whoever leaves within the pause has it kept too.
  useEffect(() => {
    const leave = () => keep(key, latest.current)
    window.addEventListener('pagehide', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      leave()
    }
  }, [key])
  return [text, setText]
}

function keep(key: string, text: string): void {
  // First out, then in: the order of keys is of no browser's promise, so the oldest is known by a list.
  const order = (localStorage.getItem(`${PREFIX}order`) ?? '').split('\n').filter((one) => one !== '' && one !== key)
  if (text === '') localStorage.removeItem(key)
  else {
    order.push(key)
    for (const old of order.splice(0, Math.max(0, order.length - MOST))) localStorage.removeItem(old)
    try {
      localStorage.setItem(key, text)
    } catch {
      // The browser's room is full: the draft lasts as long as the page.
    }
  }
  localStorage.setItem(`${PREFIX}order`, order.join('\n'))
}
