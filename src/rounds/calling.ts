import { charAt, charBefore, isBorder, isHangul, isUnspaced } from '../shared/folded-text.ts'
import * as words from './vocatives.ts'

/** How far around a name its call is looked for. */
const NEAR = 24
/** Nobody is called by more titles and conjunctions than these. */
const MOST_TITLES = 6
/** A question is looked for within this many characters. */
const SENTENCE = 240

const COMMA = /^[,、،—–]$/u
const SENTENCE_END = /^[.!?。…؟।॥։။።჻\n\ufffc]$/u
const BREAK = /^[.!?:;…。؛؟।॥։။።჻¿¡\n\ufffc]$/u
const QUESTION = /^[?؟;՞]$/u
const MARK = /^[?!:؟՞]$/u
/** Markup, quotation marks and brackets that open before a name or close behind it. */
const OPENERS = /^["'“‘«„‹*_~([{「『【《〈]$/u
const CLOSERS = /^["'”’»›*_~)\]}」』】》〉]$/u

type Before = 'start' | 'list' | 'comma' | 'summons' | 'none'

/**
 * True where the name between these places of a folded text is called rather than spoken of: "Ada, what...", "..., Ada?",
 * "小红你怎么看？". "Ada's point" is no call. Looks at a bounded piece around the name.
 */
export function isCall(text: string, start: number, end: number): boolean {
  const before = beforeOf(text, start)
  if (before === 'none') return false
  const at = behindTitle(text, skip(text, end, CLOSERS))
  const after = skip(text, at, CLOSERS)
  const next = charAt(text, after) === ' ' ? after + 1 : after
  const char = charAt(text, next)
  if (before === 'summons') return true
  if (before === 'comma')
    return char === '' || char === '\n' || /^[.。,、،।]$/u.test(char) || MARK.test(char) || QUESTION.test(char)
  if (before === 'list') return /^[,、،?!؟]$/u.test(char)
  if (char === '' || COMMA.test(char) || MARK.test(char)) return true
  if (startsWithWord(text, next, words.JOINING_WORDS)) return true
  return isCallWithoutComma(text, end, after)
}

/** What stands before a name, behind any opening signs. */
function beforeOf(text: string, start: number, titles = MOST_TITLES): Before {
  if (titles === 0) return 'none'
  let at = start
  while (at > 0 && at > start - NEAR && OPENERS.test(text[at - 1] ?? '')) at--
  const head = text.slice(Math.max(0, at - NEAR), at)
  const near = head.endsWith(' ') ? head.slice(0, -1) : head
  const title = near === head ? undefined : words.TITLES_BEFORE.find((word) => endsWithWord(near, word))
  if (title) return beforeOf(text, at - 1 - title.length, titles - 1)
  const last = charBefore(near, near.length)
  if (last === '') return 'start'
  if (COMMA.test(last)) return 'comma'
  if (isListMarker(near)) return 'list'
  if (BREAK.test(last)) return 'start'
  if (words.SUMMONS.some((word) => head.endsWith(word))) return 'summons'
  if (words.UNSPACED_OPENINGS.some((word) => head.endsWith(word))) return 'start'
  if (near !== head && words.OPENING_WORDS.some((word) => endsWithWord(near, word))) return 'start'
  // Hebrew and Arabic write "and" in one word with the name.
  if (words.JOINED_AND.includes(last) && isBorder(near, near.length - 1)) return beforeOf(text, at - 1, titles - 1)
  return 'none'
}

const endsWithWord = (near: string, word: string): boolean =>
  near.endsWith(word) && isBorder(near, near.length - word.length)

const isListMarker = (near: string): boolean => {
  const line = near.slice(near.lastIndexOf('\n') + 1)
  if (line.length === near.length && near.length >= NEAR - 1) return false
  return /^(?:[-*+•]|#{1,6}|\d{1,3}[.)])$/.test(line)
}

function skip(text: string, from: number, signs: RegExp): number {
  let at = from
  while (at < from + NEAR && signs.test(text[at] ?? '')) at++
  return at
}

/** Behind a title ("さん", "-san", " 씨") that follows a name here. */
function behindTitle(text: string, at: number): number {
  const title = [...words.UNSPACED_TITLES, ...words.LATIN_TITLES].find((word) => text.startsWith(word, at))
  if (title) return at + title.length
  const korean = words.KOREAN_CALLS.find((word) => text.startsWith(` ${word}`, at))
  if (korean && isBorder(text, at + 1 + korean.length)) return at + 1 + korean.length
  // A vocative ending that is part of the word: 민준아, 민준님.
  const ending = words.KOREAN_CALLS.find((word) => text.startsWith(word, at) && isBorder(text, at + word.length))
  return ending ? at + ending.length : at
}

const startsWithWord = (text: string, at: number, list: readonly string[]): boolean =>
  list.some((word) => text.startsWith(word, at) && text[at - 1] === ' ' && text[at + word.length] === ' ')

/** Languages that call somebody without any comma, at the beginning of a sentence. */
function isCallWithoutComma(text: string, end: number, after: number): boolean {
  const starts = (list: readonly string[]) => list.some((word) => text.startsWith(word, after))
  const [last, next] = [charBefore(text, end), charAt(text, after)]
  if (starts(words.UNSPACED_JOINTS) && (isUnspaced(last) || isUnspaced(next))) return true
  if (isHangul(next) || isHangul(last)) {
    if (after > end && next === ' ') return true
    const title = words.KOREAN_CALLS.find((word) => text.startsWith(word, after)) ?? ''
    const isTopic = (word: string) =>
      text.startsWith(word, after + title.length) && isBorder(text, after + title.length + word.length)
    return words.KOREAN_TOPICS.some(isTopic) && isQuestion(text, after)
  }
  if (isThai(last) || isThai(next)) return next === ' ' || isQuestion(text, after)
  if (!isUnspaced(next)) return false
  if (starts(words.CHINESE_YOU)) return true
  return (starts(words.CHINESE_ASKING) || starts(words.JAPANESE_TOPICS)) && isQuestion(text, after)
}

const isThai = (char: string): boolean =>
  /^[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]$/u.test(char)

/** Whether the sentence that goes on here asks something. */
function isQuestion(text: string, from: number): boolean {
  let end = from
  while (end < text.length && end < from + SENTENCE && !SENTENCE_END.test(text[end] ?? '')) end++
  if (QUESTION.test(text[end] ?? '')) return true
  const sentence = text.slice(from, end)
  return words.ASKING_ENDS.some((word) => sentence.endsWith(word))
}

/** Where a Korean word ends that goes on behind a name with endings only ("민준님은"); undefined where it is another word. */
export function koreanEnd(text: string, from: number): number | undefined {
  const endings = [...words.KOREAN_CALLS, ...words.KOREAN_TOPICS, ...words.KOREAN_PARTICLES]
  const reach = (at: number, left: number): number | undefined => {
    if (isBorder(text, at)) return at
    if (left === 0) return undefined
    for (const ending of endings) {
      const end = text.startsWith(ending, at) ? reach(at + ending.length, left - 1) : undefined
      if (end !== undefined) return end
    }
    return undefined
  }
  return reach(from, 3)
}
