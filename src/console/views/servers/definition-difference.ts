import { type Change, diffLines, diffWordsWithSpace } from 'diff'
import type { McpDefinitionView } from '../../../client/client.ts'

/** A piece of a line; marked where it is what differs. */
export interface Piece {
  text: string
  isMarked: boolean
}

/** A line of both, of what was, or of what is now; or so many lines of both that are left out. */
export type DiffLine = { of: 'both' | 'before' | 'now'; pieces: Piece[] } | { of: 'left out'; count: number }

export interface ChangedPart {
  part: 'title' | 'description' | 'inputSchema' | 'hints'
  lines: DiffLine[]
}

/** Edits that are looked for; more would take time by their square, and what differs in more is another text. */
const MOST_EDITS = 200
/** Lines of both that are shown around what differs. */
const AROUND = 2
/** Lines of which less than this share of their words is in both are other lines. */
const LEAST_ALIKE = 0.3

/** What differs between two definitions, by parts and lines; a part that is the same is not among them. */
export function differenceOf(before: McpDefinitionView, now: McpDefinitionView): ChangedPart[] {
  const parts = [
    ['title', before.title, now.title],
    ['description', before.description, now.description],
    ['inputSchema', written(before.inputSchema), written(now.inputSchema)],
    ['hints', written(before.hints), written(now.hints)],
  ] as const
  return parts.flatMap(([part, was, is]) => (was === is ? [] : [{ part, lines: shortened(linesOf(was, is)) }]))
}

const written = (value: unknown): string => JSON.stringify(value, null, 2)

type Line = Exclude<DiffLine, { of: 'left out' }>

function linesOf(was: string, is: string): Line[] {
  // With an end of its own the last line is like any other.
  const [before, now] = [`${was}\n`, `${is}\n`]
  const changes = diffLines(before, now, { maxEditLength: MOST_EDITS }) ?? whole(before, now)
  return changes.flatMap((change, place): Line[] => {
    const next = changes[place + 1]
    if (change.removed && next?.added) return replaced(change.value, next.value)
    // It came with what it stands for.
    if (change.added && changes[place - 1]?.removed) return []
    const of = change.added ? 'now' : change.removed ? 'before' : 'both'
    return split([{ text: change.value, isMarked: of !== 'both' }]).map((pieces) => ({ of, pieces }))
  })
}

/** Lines in the place of others: what differs of them by words, where they are alike. */
function replaced(was: string, is: string): Line[] {
  const words = diffWordsWithSpace(was, is, { maxEditLength: MOST_EDITS }) ?? []
  const alike = words.reduce((sum, { value, added, removed }) => sum + (added || removed ? 0 : value.trim().length), 0)
  const isAlike = alike >= LEAST_ALIKE * Math.min(was.trim().length, is.trim().length)
  const changes = isAlike && words.length > 0 ? words : whole(was, is)
  const pieces = (of: 'added' | 'removed') =>
    split(
      changes
        .filter((change) => change[of] || !(change.added || change.removed))
        .map((change) => ({ text: change.value, isMarked: change[of] })),
    )
  return [
    ...pieces('removed').map((line) => ({ of: 'before' as const, pieces: line })),
    ...pieces('added').map((line) => ({ of: 'now' as const, pieces: line })),
  ]
}

const whole = (was: string, is: string): Change[] => [
  { value: was, count: 1, added: false, removed: true },
  { value: is, count: 1, added: true, removed: false },
]

/** Pieces line by line; the last line has an end as well. */
function split(pieces: readonly Piece[]): Piece[][] {
  const lines: Piece[][] = [[]]
  for (const { text, isMarked } of pieces) {
    for (const [place, part] of text.split('\n').entries()) {
      if (place > 0) lines.push([])
      if (part !== '') lines.at(-1)?.push({ text: part, isMarked })
    }
  }
  return lines.slice(0, -1)
}

/** Without lines of both that are far from all that differs. */
function shortened(lines: readonly Line[]): DiffLine[] {
  const isNear = lines.map(() => false)
  for (const [place, { of }] of lines.entries()) {
    if (of !== 'both') isNear.fill(true, Math.max(0, place - AROUND), place + AROUND + 1)
  }
  const shown: DiffLine[] = []
  for (const [place, line] of lines.entries()) {
    const last = shown.at(-1)
    if (isNear[place]) shown.push(line)
    else if (last?.of === 'left out') last.count++
    else shown.push({ of: 'left out', count: 1 })
  }
  return shown
}
