import { shortened } from '../../src/shared/errors.ts'
import { estimateTokens, withinTokens } from '../../src/shared/token-estimate.ts'
import type { ToolFile } from '../../src/tools/tool-call.entity.ts'
import type { StoredCall } from '../../src/tools/tool-call.repository.ts'
import { withoutUnseen } from '../../src/tools/unseen-signs.ts'

/** What came of a call, as its model reads it. */
export interface ResultWords {
  text: string
  isError: boolean
}

/** Each result has so many, with all that stands around it. */
export const LEAST_TOKENS = 60
const CUT = '… (cut here: the rest did not fit)'
const OPEN = '<result>\n'
const CLOSE = '\n</result>'
const AROUND_TOKENS = estimateTokens(OPEN + CLOSE)
/** Files of one result that are named, and UTF-16 units of each name. */
const NAMED_FILES = 3
const MOST_NAME = 60
/** UTF-16 units of arguments that a person has changed. */
const MOST_EDITED = 1_000

/**
 * What came of calls, by their numbers: of what they gave back as much as fits into about `budget` tokens together, the newest first, because they
 * are of most use. It is more only where not even the least of each would fit.
 */
export function resultWords(
  calls: readonly StoredCall[],
  { budget, canSearch }: { budget: number; canSearch: boolean },
): Map<number, ResultWords> {
  let left = Math.max(budget, calls.length * LEAST_TOKENS)
  let older = calls.length
  const words = new Map<number, ResultWords>()
  for (const call of calls.toReversed()) {
    older--
    const said = wordsOf(call, left - older * LEAST_TOKENS, canSearch)
    left -= estimateTokens(said.text)
    words.set(call.call, said)
  }
  return words
}

function wordsOf(call: StoredCall, tokens: number, canSearch: boolean): ResultWords {
  // A person wrote this.
  const edited = call.edited
    ? `The user changed what was asked for to ${shortened(JSON.stringify(call.args), MOST_EDITED)}.\n`
    : ''
  const before = withinTokens(edited, tokens - LEAST_TOKENS)
  const isError = call.status !== 'done'
  const ours = oursOf(call)
  if (ours !== undefined) return { text: before + ours, isError }
  const data = withoutMarks(fileWords(call.files ?? [], canSearch) + (call.result ?? ''))
  const room = tokens - estimateTokens(before) - AROUND_TOKENS
  return { text: `${before}${OPEN}${cut(data, room)}${CLOSE}`, isError }
}

/** Words of ours about a call that gave nothing back. */
function oursOf({ status, result }: StoredCall): string | undefined {
  switch (status) {
    case 'done':
      return undefined
    case 'failed':
      return result ? undefined : 'It failed.'
    case 'denied':
      return result ?? 'The user declined this call. Go on without it.'
    case 'expired':
      return 'Nobody allowed this call in time. Go on without it.'
    case 'unknown':
      return 'It was started, and nobody knows whether it did its work. Do not call it again for this; say so to the user.'
    default:
      return 'It was not made.'
  }
}

/** Data that cannot close the marks around it, without pictures, which whoever shows the answer would fetch, and what only models see. */
const withoutMarks = (text: string): string =>
  withoutUnseen(text)
    .replace(/<(?=\s{0,9}\/\s{0,9}result)/gi, '[')
    .replaceAll('![', '! [')

/** A text within so many tokens, and that it was cut. */
function cut(text: string, tokens: number): string {
  const beginning = withinTokens(text, tokens)
  return beginning === text ? text : `${withinTokens(text, tokens - estimateTokens(CUT))}${CUT}`
}

/** Before the text, so that it is read where that is cut. */
function fileWords(files: readonly ToolFile[], canSearch: boolean): string {
  const kept = files.filter(({ id }) => id !== null)
  const lost = files.filter(({ id }) => id === null)
  const how =
    canSearch && kept.length > 0 ? ' search_files finds passages of their texts, once they have been read in.' : ''
  return [
    kept.length > 0 && `(Kept as files of the user's: ${namesOf(kept)}.${how})\n`,
    lost.length > 0 && `(Files that could not be kept, for lack of room: ${namesOf(lost)}.)\n`,
  ]
    .filter(Boolean)
    .join('')
}

const namesOf = (files: readonly ToolFile[]): string => {
  const names = files.slice(0, NAMED_FILES).map(({ name, size }) => `${shortened(name, MOST_NAME)}, ${size} bytes`)
  return [...names, ...(files.length > NAMED_FILES ? [`and ${files.length - NAMED_FILES} more`] : [])].join('; ')
}
