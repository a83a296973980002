import { estimateTokens } from '../shared/token-estimate.ts'
import {
  chooseWhole,
  type FilePassage,
  joinPassages,
  PASSAGE_OVERHEAD,
  type PassageChunk,
  takeWithin,
} from './context-selection.ts'
import type { ChunkMatch, FileChunkRepository } from './file-chunk.repository.ts'

/** A file that has text, with its size in a prompt. */
export interface TextFile {
  id: string
  name: string
  /** Tokens of the whole text with the labels of its passages. */
  tokens: number
}

/** More matches than this are more than any context holds. */
const MATCHES = 400
/** Of a file in which nothing matches: so many first chunks, then so many spread over the rest. */
const BEGINNING_CHUNKS = 8
const SPREAD_CHUNKS = 40
const MOST_HEADINGS = 80
/** Beginnings take at most this share of the room, headings at most this. */
const BEGINNING_SHARE = 0.4
const HEADING_SHARE = 0.12

const placeOf = ({ fileId, index }: { fileId: string; index: number }): string => `${fileId} ${index}`

/**
 * What an agent should read of these files to answer `query`, within about `tokenBudget` tokens (passages with their labels): small
 * texts whole; of large ones always the beginning and the headings, because questions about the whole match no part of it, then
 * the chunks that match best, or some from everywhere when nothing matches. In the order of the files, then of the text.
 */
export async function readContext(
  chunks: FileChunkRepository,
  files: TextFile[],
  query: string,
  tokenBudget: number,
): Promise<FilePassage[]> {
  const { whole, partial, left } = chooseWhole(files, tokenBudget)
  const texts: PassageChunk[] = whole.length > 0 ? await chunks.wholeTexts(whole) : []
  if (partial.length > 0) texts.push(...(await readParts(chunks, partial, query, left)))
  const order = new Map(files.map(({ id }, index) => [id, index]))
  texts.sort((a, b) => (order.get(a.fileId) ?? 0) - (order.get(b.fileId) ?? 0) || a.index - b.index)
  return joinPassages(texts, new Map(files.map(({ id, name }) => [id, name])))
}

async function readParts(
  chunks: FileChunkRepository,
  fileIds: string[],
  query: string,
  budget: number,
): Promise<PassageChunk[]> {
  const share = Math.floor((budget * BEGINNING_SHARE) / fileIds.length)
  const outlines = outlineOf(
    await chunks.headings(fileIds, MOST_HEADINGS),
    Math.floor((budget * HEADING_SHARE) / fileIds.length),
  )
  const firsts = (await chunks.beginnings(fileIds, 1)).map((first) => ({
    ...first,
    tokens: Math.min(first.tokens, share),
  }))
  let matches = await chunks.search(fileIds, query, MATCHES)
  if (matches.length === 0) {
    matches = [
      ...(await chunks.beginnings(fileIds, BEGINNING_CHUNKS)),
      ...(await chunks.spread(fileIds, SPREAD_CHUNKS)),
    ]
  }
  const known = new Map<string, ChunkMatch>()
  for (const match of [...firsts, ...matches]) if (!known.has(placeOf(match))) known.set(placeOf(match), match)
  const room = budget - outlines.reduce((sum, { tokens }) => sum + tokens + PASSAGE_OVERHEAD, 0)
  const taken = takeWithin([...known.values()], room)
  const limits = new Map(taken.map((match) => [placeOf(match), match.tokens]))
  const texts = taken.length > 0 ? await chunks.texts(taken) : []
  return [...outlines, ...texts.map((chunk) => shorten(chunk, limits.get(placeOf(chunk)) ?? chunk.tokens))]
}

/** A beginning that is larger than its share is cut, not left out. */
function shorten(chunk: PassageChunk & { tokens: number }, tokens: number): PassageChunk {
  if (tokens >= chunk.tokens) return chunk
  const text = chunk.text.slice(0, Math.floor((chunk.text.length * tokens) / chunk.tokens)).toWellFormed()
  return { ...chunk, text: `${text}…` }
}

/** The headings of each file as one passage before its first chunk; a file with one heading needs none. */
function outlineOf(
  headings: Array<{ fileId: string; heading: string }>,
  maxTokens: number,
): Array<PassageChunk & { tokens: number }> {
  const byFile = Map.groupBy(headings, ({ fileId }) => fileId)
  return [...byFile].flatMap(([fileId, own]) => {
    if (own.length < 2) return []
    let text = 'Headings of this file:'
    for (const { heading } of own) {
      const next = `${text}\n- ${heading}`
      if (estimateTokens(next) > maxTokens) break
      text = next
    }
    if (!text.includes('\n')) return []
    // Not next to the first chunk, so that it stays a passage of its own.
    return [{ fileId, index: -2, page: null, heading: null, cells: null, text, tokens: estimateTokens(text) }]
  })
}
