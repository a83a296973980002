/** What is written and not sent yet, kept by the browser: by a name each, of whoever is signed in. */

const PREFIX = 'chatsparty.draft.'
const ORDER = `${PREFIX}order`
const OWNER = `${PREFIX}of`
/** So many are kept; the oldest goes. */
const MOST = 50

export const keptDraft = (name: string): string => localStorage.getItem(PREFIX + name) ?? ''

/** Of no text nothing is kept. */
export function keepDraft(name: string, text: string): void {
  const key = PREFIX + name
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

/** Forgets what was written for what is over. */
export function forgetDrafts(isOver: (name: string) => boolean): void {
  for (const key of order()) if (isOver(key.slice(PREFIX.length))) keepDraft(key.slice(PREFIX.length), '')
}

/** Drafts are this user's from now on: those of whoever was here before are forgotten. */
export function keepDraftsOf(userId: string): void {
  if (localStorage.getItem(OWNER) === userId) return
  forgetDrafts(() => true)
  localStorage.setItem(OWNER, userId)
}

/** First out, then in: the order of keys is of no browser's promise, so the oldest is known by a list. */
const order = (): string[] => (localStorage.getItem(ORDER) ?? '').split('\n').filter((one) => one !== '')
