import { invalidRequest } from '../shared/errors.ts'

/** Words of ours that everybody would try first. */
const OUR_WORDS = ['chatsparty', 'chats-party', 'chats party']
/** Beside a word that everybody tries, this many characters of one's own are no secret: "Summer2024!". */
const OWN_CHARS = 5
/** A context word shorter than this says nothing about a password. */
const WORD_CHARS = 4
/** A unit that is repeated must be longer than this to count as a choice of one's own. */
const UNIT_CHARS = 6

/** How letters are commonly written otherwise. */
const LEET: Record<string, string> = { '@': 'a', '4': 'a', '3': 'e', '1': 'i', '!': 'i', '0': 'o', '5': 's', $: 's' }

let common: Promise<ReadonlySet<string>> | undefined

/** The most used passwords of leaks (49,000, of zxcvbn's list), read once, when the first password is chosen. */
const commonPasswords = (): Promise<ReadonlySet<string>> => {
  common ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => new Set(dictionary['passwords-common']))
  return common
}

/** What of an account anybody may know: its address, the name in it and the parts of that. */
function wordsAbout(email: string): string[] {
  const address = fold(email)
  const name = address.slice(0, Math.max(0, address.indexOf('@')))
  const domain = address.slice(name.length + 1)
  const [ownName = ''] = name.split('+')
  const parts = name.split(/[^\p{L}\p{N}]+/u)
  return [address, name, ownName, ownName.replace(/[^\p{L}]/gu, ''), ...parts, ...domain.split('.')]
}

const fold = (text: string): string => text.normalize('NFKC').toLowerCase()

/**
 * True for a password that guessing finds early: one that is among the most used, with a few characters around it or with letters
 * written as figures; the account's own address, or our name; one unit again and again; a row of neighbours. At most 128
 * characters are looked at, a fixed number of times each.
 *
 * @example await isGuessable('P@ssw0rd2024', 'ada@example.com') // true
 */
export async function isGuessable(password: string, email: string): Promise<boolean> {
  const list = await commonPasswords()
  const ours = new Set([...OUR_WORDS, ...wordsAbout(email)].filter((word) => word.length >= WORD_CHARS))
  const text = fold(password).slice(0, 128)
  const plain = Array.from(text, (char) => LEET[char] ?? char).join('')
  // Some letters fold to several characters; then the two do not match by position, and only one is looked at.
  const forms = plain.length === text.length && plain !== text ? [text, plain] : [text]
  const isKnown = (from: number, to: number): boolean =>
    to - from >= WORD_CHARS && forms.some((form) => isWord(form.slice(from, to)))
  const isWord = (part: string): boolean => list.has(part) || ours.has(part)
  const isNothing = (from: number, to: number): boolean =>
    to - from <= OWN_CHARS || isMonotonous(text.slice(from, to)) || isKnown(from, to)

  if (isKnown(0, text.length) || isMonotonous(text) || isRepeated(text, isWord)) return true
  for (let cut = 1; cut < text.length; cut++) {
    if (isKnown(0, cut) && cut >= text.length / 2 && isNothing(cut, text.length)) return true
    if (isKnown(cut, text.length) && text.length - cut >= text.length / 2 && isNothing(0, cut)) return true
  }
  return false
}

/** One character all along, or each the neighbour of the one before it: "aaaaaa", "abcdef", "987654". */
function isMonotonous(text: string): boolean {
  const steps = new Set<number>()
  for (let at = 1; at < text.length; at++) {
    const step = text.charCodeAt(at) - text.charCodeAt(at - 1)
    // After nine comes zero, and before zero nine.
    steps.add(step === -9 ? 1 : step === 9 ? -1 : step)
  }
  const [only = 0] = steps
  return steps.size <= 1 && Math.abs(only) <= 1
}

/** A short unit, or a word, again and again; the last time perhaps not whole. */
function isRepeated(text: string, isWord: (part: string) => boolean): boolean {
  // Each place's longest border, as in the search of Knuth, Morris and Pratt: linear.
  const borders = [0]
  for (let at = 1, border = 0; at < text.length; at++) {
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1] ?? 0
    if (text[at] === text[border]) border++
    borders.push(border)
  }
  const period = text.length - (borders.at(-1) ?? 0)
  return period * 2 <= text.length && (period <= UNIT_CHARS || isWord(text.slice(0, period)))
}

/** Asked where a password is chosen, never where one is given: whoever has such a one may still come in and change it. */
export async function refuseGuessable(path: string, password: string, email: string): Promise<void> {
  if (await isGuessable(password, email)) {
    throw invalidRequest([{ path, message: 'is among those that are guessed first: choose another one' }])
  }
}
