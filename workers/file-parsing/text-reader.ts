import type { Section } from './chunks.ts'
import { HeadingPath } from './heading-path.ts'
import { malformed } from './rejection.ts'

export const readPlain = (text: string): Section[] => [{ page: null, heading: null, text }]

/** Sections under the headings of Markdown (`# ...`); lines in code fences are no headings. */
export function readMarkdown(text: string): Section[] {
  const sections: Section[] = []
  const headings = new HeadingPath()
  let lines: string[] = []
  let fence: string | undefined
  const flush = () => {
    if (lines.length > 0) sections.push({ page: null, heading: headings.current, text: lines.join('\n') })
    lines = []
  }
  for (const line of text.split(/\r\n?|\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (mark && (fence === undefined || mark.startsWith(fence))) fence = fence === undefined ? mark : undefined
    const heading = fence === undefined ? headingOf(line) : undefined
    if (heading) {
      flush()
      headings.set(heading.level, heading.text)
    }
    lines.push(line)
  }
  flush()
  return sections
}

/** `## Heading ##`: its level and words. No pattern over the whole line: spaces before closing signs would cost the square. */
function headingOf(line: string): { level: number; text: string } | undefined {
  const mark = /^ {0,3}(#{1,6})\s/.exec(line)
  if (!mark) return undefined
  const text = line.slice(mark[0].length).trim()
  let end = text.length
  while (end > 0 && text[end - 1] === '#') end--
  const closed = end === 0 || text[end - 1] === ' ' || text[end - 1] === '\t'
  return { level: mark[1]?.length ?? 1, text: closed ? text.slice(0, end).trimEnd() : text }
}

/** The header row becomes the heading, so that each chunk says what its columns are. */
export function readCsv(text: string): Section[] {
  const header = text.slice(0, 2_000).split(/\r\n?|\n/)[0] ?? ''
  return [{ page: null, heading: header, text }]
}

/**
 * Whether a text is whole as JSON goes: its brackets and strings end. What stands between them is for people and models, who
 * also read comments, trailing commas, NaN and the quotes of other languages.
 */
function isWhole(text: string): boolean {
  const open: string[] = []
  let seen = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? ''
    if (sign === '"' || sign === "'") {
      for (at++; at < text.length && text[at] !== sign; at++) {
        if (text[at] === '\\') at++
        else if (text[at] === '\n') return false
      }
      if (at >= text.length) return false
      seen = true
    } else if (sign === '{' || sign === '[') open.push(sign === '{' ? '}' : ']')
    else if (sign === '}' || sign === ']') {
      if (open.pop() !== sign) return false
      seen = true
    } else if (sign === '/' && text[at + 1] === '/') {
      at = text.indexOf('\n', at)
      if (at < 0) break
    } else if (sign === '/' && text[at + 1] === '*') {
      at = text.indexOf('*/', at + 2)
      if (at < 0) return false
      at++
    } else if (/\S/.test(sign)) seen = true
  }
  return open.length === 0 && seen
}

/** @throws Rejection when it is neither JSON nor one JSON value a line; a last line may be cut off */
export function readJson(text: string): Section[] {
  const clean = text.replace(/^\ufeff/, '')
  const lines = clean.split('\n').filter((line) => line.trim())
  const areLines = lines.length > 1 && /^\s{0,99}[{["]/.test(lines[0] ?? '') && lines.slice(0, -1).every(isWhole)
  if (!areLines && !isWhole(clean)) throw malformed('it is not valid JSON')
  return readPlain(clean)
}
