import {
  charAt,
  charBefore,
  foldPhrase,
  foldText,
  isBorder,
  isHangul,
  isLetter,
  isUnspaced,
} from '../shared/folded-text.ts'
import { bothEnds } from '../shared/text-ends.ts'
import { isCall, koreanEnd } from './calling.ts'
import { plainSpeech } from './plain-speech.ts'
import type { Participant } from './strategy.ts'
import { ARTICLES, JOINED_AND, JOINED_PREPOSITIONS, LATIN_TITLES, TITLES } from './vocatives.ts'

/** Where a participant's name stands in a folded text. */
interface Place {
  id: string
  start: number
  end: number
  /** Behind an `@` that is one. */
  isMention: boolean
  /** In one word with a preposition before it ("to Dana" in Hebrew): named, not called. */
  isObject: boolean
}

/** A name as it is looked for. */
interface CallName {
  id: string
  name: string
}

const EMOJI = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\u200d]/gu
const KATAKANA = /^[\p{Script=Katakana}\u30fc]$/u
/** Punctuation that brings its own space, which folding would take away. */
const WIDE = /[\u3000-\u3002\uff01\uff08\uff0c\uff1a\uff1b\uff1f]/g
/** What an `@` may follow: a space, an opening sign, a dash, or punctuation of scripts that put no space behind it. */
const BEFORE_AT = /^[\s\ufffc([{<>"'“‘«„‹「『【《〈（*_~|—–¿¡…，。、！？：；]$/u
/** What may stand between an `@` and the name. */
const AFTER_AT = /^[*_["'({「『]$/u

/** What somebody may be called: by the whole name, without its emoji, and by its first word where that means nobody else. */
function callNames(participants: readonly Participant[]): CallName[] {
  const known = participants.map(({ id, name }) => {
    const whole = foldPhrase(name)
    const plain = foldPhrase(whole.replace(EMOJI, ''))
    return { id, whole, plain, first: firstWord(plain || whole) }
  })
  const names = new Map<string, string>()
  for (const { id, whole } of known) if (whole && !names.has(whole)) names.set(whole, id)
  for (const { id, plain, whole } of known) {
    const isClear = known.every((other) => other.id === id || other.plain !== plain)
    if (plain && plain !== whole && isClear && !names.has(plain)) names.set(plain, id)
  }
  for (const { id, first, whole } of known) {
    const isClear = known.every((other) => other.id === id || !other.whole.split(' ').includes(first))
    if (first.length > 1 && first !== whole && isClear && !names.has(first)) names.set(first, id)
  }
  return [...names].map(([name, id]) => ({ name, id })).sort((a, b) => b.name.length - a.name.length)
}

/** The word by which a name of several is called; '' where that is none ("The Critic"). */
function firstWord(name: string): string {
  const words = name.split(' ')
  const [first = '', second = ''] = words
  if (ARTICLES.includes(first)) return ''
  return TITLES.includes(first) ? second : first
}

/** Nobody calls anybody in the middle of more than this, in UTF-16 units; folding may make eighteen signs of one. */
const MOST_HEARD = 131_072

/** A text as names are looked for in it: folded, without code, addresses and links; lines stay lines. */
function heard(text: string, names: readonly CallName[]): string {
  const dotted = new Set(names.map(({ name }) => name).filter((name) => name.includes('.')))
  return foldText(
    plainSpeech(bothEnds(text, MOST_HEARD), (token) => dotted.has(foldPhrase(token))).replace(WIDE, '$& '),
  )
    .replace(/[^\S\n]+/g, ' ')
    .replaceAll(' \n', '\n')
    .replaceAll('\n ', '\n')
}

/** Every place where a participant's name stands, in the text's order, none within another: the longest name wins. */
function placesIn(text: string, names: readonly CallName[]): Place[] {
  const byFirst = Map.groupBy(names, ({ name }) => name[0] ?? '')
  const places: Place[] = []
  for (let at = 0; at < text.length; at++) {
    for (const { id, name } of byFirst.get(text[at] ?? '') ?? []) {
      if (!text.startsWith(name, at)) continue
      const place = placeOf(text, at, at + name.length)
      if (!place) continue
      places.push({ id, ...place })
      at = place.end - 1
      break
    }
  }
  return places
}

/** The name between these places as one of its own, or undefined where it is part of something else. */
function placeOf(text: string, start: number, end: number): Omit<Place, 'id'> | undefined {
  const sign = atSign(text, start)
  if (sign === 'address') return undefined
  const isMention = sign === 'mention'
  const front = isMention ? 'free' : frontOf(text, start)
  if (!front || !endsAt(text, end, isMention)) return undefined
  if (!isMention && isUnspaced(charBefore(text, end)) && !standsOut(text, start, end)) return undefined
  return { start, end, isMention, isObject: front === 'object' }
}

/** What the `@` before a name is; undefined where there is none. */
function atSign(text: string, start: number): 'mention' | 'address' | undefined {
  let at = start
  while (at > start - 3 && AFTER_AT.test(text[at - 1] ?? '')) at--
  if (text[at - 1] !== '@') return undefined
  const before = charBefore(text, at - 1)
  return before === '' || BEFORE_AT.test(before) ? 'mention' : 'address'
}

function frontOf(text: string, start: number): 'free' | 'object' | undefined {
  const before = charBefore(text, start)
  if (before === '-' && isLetter(charBefore(text, start - 1))) return undefined
  if (isBorder(text, start)) return 'free'
  const isAnd = JOINED_AND.includes(before)
  if (!isAnd && !JOINED_PREPOSITIONS.includes(before)) return undefined
  if (!isBorder(text, start - before.length)) return undefined
  return isAnd ? 'free' : 'object'
}

function endsAt(text: string, end: number, isMention: boolean): boolean {
  const next = charAt(text, end)
  if (next === '-' && isLetter(charAt(text, end + 1)))
    return LATIN_TITLES.some((title) => text.startsWith(title, end) && isBorder(text, end + title.length))
  if (next === "'" || isBorder(text, end)) return true
  if (!isHangul(next) || !isHangul(charBefore(text, end))) return false
  return isMention || koreanEnd(text, end) !== undefined
}

/** Within words of scripts without spaces, a name of one sign or in Katakana is mostly part of another word. */
function standsOut(text: string, start: number, end: number): boolean {
  const [before, after] = [charBefore(text, start), charAt(text, end)]
  if (KATAKANA.test(charBefore(text, end)) && (KATAKANA.test(before) || KATAKANA.test(after))) return false
  const isShort = end - start === charAt(text, start).length
  return !isShort || !isUnspaced(after) || isCall(text, start, end)
}

/**
 * Ids of the participants whom a text addresses, in order, each once. Names are compared NFKC and case-folded; code, addresses
 * and links call nobody; where there is an `@name`, only those are called.
 *
 * @example addressed('Thanks, Ada. @Blaise, do you agree?', participants) // [blaise]
 */
export function addressed(text: string, participants: readonly Participant[]): string[] {
  const names = callNames(participants)
  const speech = heard(text, names)
  const places = placesIn(speech, names)
  const mentioned = places.filter(({ isMention }) => isMention)
  const called = mentioned.length
    ? mentioned
    : places.filter(({ start, end, isObject }) => !isObject && isCall(speech, start, end))
  return [...new Set(called.map(({ id }) => id))]
}

/** Ids of the participants whom a text names in any way, in order of their last place in it. */
export function named(text: string, participants: readonly Participant[]): string[] {
  const names = callNames(participants)
  const last = new Map(placesIn(heard(text, names), names).map(({ id, start }) => [id, start]))
  return [...last].sort(([, a], [, b]) => a - b).map(([id]) => id)
}
