import type { Section } from './chunks.ts'
import { HeadingPath } from './markup.ts'
import { malformed } from './rejection.ts'

/** Text of bytes: UTF-8 or UTF-16 by its mark, UTF-8 without one, else Windows-1252, which reads anything. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

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
    const heading = fence === undefined ? /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line) : null
    if (heading) {
      flush()
      headings.set(heading[1]?.length ?? 1, heading[2] ?? '')
    }
    lines.push(line)
  }
  flush()
  return sections
}

/** The header row becomes the heading, so that each chunk says what its columns are. */
export function readCsv(text: string): Section[] {
  const header = text.slice(0, 2_000).split(/\r\n?|\n/)[0] ?? ''
  return [{ page: null, heading: header, text }]
}

/** @throws Rejection when it is neither JSON nor one JSON value a line */
export function readJson(text: string): Section[] {
  const isJson = (part: string): boolean => {
    try {
      JSON.parse(part)
      return true
    } catch {
      return false
    }
  }
  const clean = text.replace(/^\ufeff/, '')
  if (!isJson(clean) && !clean.split('\n').every((line) => !line.trim() || isJson(line))) {
    throw malformed('it is not valid JSON')
  }
  return readPlain(clean)
}
