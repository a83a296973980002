import { PASS } from '../../src/contract/speaker-prompt.ts'

/** Full-width brackets and the full stops of other scripts count. */
const plain = (text: string): string => text.trim().normalize('NFKC').toLowerCase()
const ENDS = ['', '.', '!', '。']

/** Whether these words are a pass and nothing else. */
export const isPass = (text: string): boolean => ENDS.some((end) => plain(text) === PASS + end)

/** Whether these words may become a pass when more follow. A pass is short, and what is longer is not looked at. */
export const mayBecomePass = (text: string): boolean => {
  const words = text.trim()
  if (words.length > PASS.length + 1) return false
  const start = plain(words)
  return PASS.startsWith(start) || isPass(start)
}
