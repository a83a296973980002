import type { FileChunk } from './file-chunk.entity.ts'
import type { ChunkMatch } from './file-chunk.repository.ts'

/** A piece of a file as an agent is given it, so that it can cite its place. */
export interface FilePassage {
  fileId: string
  name: string
  page: number | null
  heading: string | null
  /** Of sheets: where it stands, such as `A2:F40`. */
  cells?: string
  text: string
}

/** What a passage is made of. */
export type PassageChunk = Pick<FileChunk, 'fileId' | 'index' | 'page' | 'heading' | 'cells' | 'text'>

/** A turn is told of so many files of its conversation, the latest. */
export const MOST_FILES = 20
/** It sees so many images, the latest. */
export const MOST_IMAGES = 4
/** And so many pages of scans, which nobody can choose by their words. */
export const MOST_SCAN_PAGES = 8

/** What a passage costs besides its text: the line that names its file and place. */
export const PASSAGE_OVERHEAD = 24

/**
 * Which files go whole into the budget: smallest first, each as long as it takes no more than an equal share of what is
 * left. Answers them and the tokens that remain for the others.
 */
export function chooseWhole(
  files: Array<{ id: string; tokens: number }>,
  budget: number,
): { whole: string[]; partial: string[]; left: number } {
  const sorted = [...files].sort((a, b) => a.tokens - b.tokens)
  const whole: string[] = []
  let left = budget
  for (const [index, file] of sorted.entries()) {
    const share = left / (sorted.length - index)
    if (file.tokens > share) break
    whole.push(file.id)
    left -= file.tokens
  }
  return { whole, partial: sorted.slice(whole.length).map((file) => file.id), left }
}

/** The best matches that fit, in the order given; later small ones fill what a large one left. */
export function takeWithin(matches: ChunkMatch[], budget: number): ChunkMatch[] {
  let left = budget
  return matches.filter((match) => {
    const cost = match.tokens + PASSAGE_OVERHEAD
    if (cost > left) return false
    left -= cost
    return true
  })
}

/** Joins neighbouring chunks of one place into one passage. `chunks` are sorted by file and index. */
export function joinPassages(chunks: readonly PassageChunk[], names: ReadonlyMap<string, string>): FilePassage[] {
  const passages: FilePassage[] = []
  let last: { fileId: string; index: number } | undefined
  for (const { fileId, index, page, heading, cells, text } of chunks) {
    const open = passages.at(-1)
    const follows = last?.fileId === fileId && last.index + 1 === index
    if (open && follows && open.page === page && open.heading === heading) {
      open.text += `\n${text}`
      if (cells !== null) open.cells = joinCells(open.cells, cells)
    } else {
      const place = { fileId, name: names.get(fileId) ?? 'file', page, heading }
      passages.push({ ...place, ...(cells === null ? {} : { cells }), text })
    }
    last = { fileId, index }
  }
  return passages
}

/** The range from the first cell of one to the last of the other: `A1:C9` and `A10:C20` -> `A1:C20`. */
const joinCells = (before: string | undefined, after: string): string =>
  before === undefined ? after : `${before.split(':')[0]}:${after.split(':').at(-1)}`
