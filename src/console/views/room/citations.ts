import type { FileView } from '../../../client/client.ts'

/** A place in a file that an agent named: agents are asked to write it as `(file name, page 3)`. */
export interface Citation {
  file: FileView
  /** Null: the file, or a place in it that has no number. */
  page: number | null
}

/** So many are shown of one message. */
const MOST = 12
/** What may stand between a name and the number of its page, in characters: `, page `, `، صفحة `. */
const MOST_BETWEEN = 16

/** The places that the text names, in their order, each once. Linear in the text for each file. */
export function citationsIn(text: string, files: readonly FileView[]): Citation[] {
  const found = new Map<string, Citation & { at: number }>()
  for (const file of files) {
    if (file.name.length < 3) continue
    for (let at = text.indexOf(file.name); at >= 0; at = text.indexOf(file.name, at + file.name.length)) {
      const page = pageBehind(text, at + file.name.length, file)
      const key = `${file.id}:${page}`
      if (!found.has(key)) found.set(key, { file, page, at })
      if (found.size >= MOST * 4) break
    }
  }
  const all = [...found.values()].sort((a, b) => a.at - b.at)
  // A bare name beside places in the same file says nothing more.
  const useful = all.filter(
    ({ file, page }) => page !== null || !all.some((other) => other.file === file && other.page !== null),
  )
  return useful.slice(0, MOST).map(({ file, page }) => ({ file, page }))
}

function pageBehind(text: string, from: number, { pages }: FileView): number | null {
  const behind = text.slice(from, from + MOST_BETWEEN + 6)
  if (pages === null || !/^["'“”»*_`]{0,3}\s?[,،:]/u.test(behind)) return null
  const number = /\d+/.exec(behind.slice(0, MOST_BETWEEN + 5))
  if (!number || /[;)(\n]/.test(behind.slice(0, number.index))) return null
  const page = Number(number[0])
  return page >= 1 && page <= pages ? page : null
}
