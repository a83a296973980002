import { isHangul, isLetter, isUnspaced } from '../shared/folded-text.ts'

/** Stands where something was taken out, so that what was apart stays apart. */
const GAP = '\ufffc'
const ADDRESS = /^[A-Za-z0-9._%+\-@]$/
const LINK = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]$/
const LABEL = /^[A-Za-z0-9_-]+$/
const TRAILING = /^[.,;:!?'"*_)\]}%+-]$/

/**
 * A text without its code, e-mail addresses and links (a link's own words stay), each replaced by one sign. `isName` tells
 * names that look like an address ("Node.js"). Steps grow with the text's length.
 */
export function plainSpeech(text: string, isName: (token: string) => boolean = () => false): string {
  return withoutLinks(withoutSpans(withoutBlocks(text)), isName)
}

/** Without fenced and indented blocks of code. */
function withoutBlocks(text: string): string {
  let fence: { sign: string; length: number } | undefined
  let afterBlank = true
  let inList = false
  return text
    .split('\n')
    .map((line) => {
      const start = line.trimStart()
      const indent = line.length - start.length
      const sign = start[0] ?? ''
      const length = sign === '`' || sign === '~' ? runLength(start, 0) : 0
      if (fence) {
        if (sign === fence.sign && length >= fence.length && start.slice(length).trim() === '') fence = undefined
        return GAP
      }
      if (length >= 3 && !(sign === '`' && start.includes('`', length))) {
        fence = { sign, length }
        return GAP
      }
      const isCode = start !== '' && afterBlank && !inList && (indent >= 4 || line.startsWith('\t'))
      afterBlank = start === '' || isCode
      if (start !== '' && indent < 4) inList = /^(?:[-*+•]|\d{1,9}[.)])\s/.test(start)
      return isCode ? GAP : line
    })
    .join('\n')
}

function runLength(text: string, from: number): number {
  let end = from
  while (text[end] === text[from]) end++
  return end - from
}

/** Without code between backticks: a run of them ends at the next run of the same length. */
function withoutSpans(text: string): string {
  const runs: Array<{ at: number; length: number }> = []
  for (let at = text.indexOf('`'); at >= 0; ) {
    const length = runLength(text, at)
    runs.push({ at, length })
    at = text.indexOf('`', at + length)
  }
  // From the end, so that each run knows the next one of its length.
  const nextOf = new Map<number, number>()
  const closers = runs.map(() => -1)
  for (let index = runs.length - 1; index >= 0; index--) {
    const { length = 0 } = runs[index] ?? {}
    closers[index] = nextOf.get(length) ?? -1
    nextOf.set(length, index)
  }
  const parts: string[] = []
  let from = 0
  for (let index = 0; index < runs.length; index++) {
    const [open, close] = [runs[index], runs[closers[index] ?? -1]]
    if (!open || !close) continue
    parts.push(text.slice(from, open.at), GAP)
    from = close.at + close.length
    index = closers[index] ?? index
  }
  return parts.join('') + text.slice(from)
}

const next = (text: string, sign: string, from: number): number => {
  const at = text.indexOf(sign, from)
  return at < 0 ? text.length : at
}

function withoutLinks(text: string, isName: (token: string) => boolean): string {
  const parts: string[] = []
  let from = 0
  // Where the next one stands; looked for again only when passed, so that all searches together read the text once.
  let close = -1
  let space = -1
  let lineEnd = -1
  const cut = (start: number, end: number) => {
    parts.push(text.slice(from, start), GAP)
    from = end
  }
  for (let at = 0; at < text.length; ) {
    if (text.startsWith('](', at)) {
      // A Markdown link's address goes to its parenthesis; the link's words were before.
      if (close < at) close = next(text, ')', at)
      if (space < at) space = next(text, ' ', at)
      if (lineEnd < at) lineEnd = next(text, '\n', at)
      const isLink = close < space && close < lineEnd
      const end = isLink ? close + 1 : at + 2
      if (isLink) cut(at + 1, end)
      at = end
      continue
    }
    if (!ADDRESS.test(text[at] ?? '')) {
      at++
      continue
    }
    let end = at + 1
    while (end < text.length && ADDRESS.test(text[end] ?? '')) end++
    const token = text.slice(at, trimmed(text, at, end))
    if (text.startsWith('://', end)) {
      end = tailEnd(text, end + 3, false)
      cut(at, end)
    } else if (isAddress(token) && !isName(token.replace(/^@/, ''))) {
      const goesOn = token.length === end - at && /^[/:?#]$/.test(text[end] ?? '')
      end = goesOn ? tailEnd(text, end, true) : at + token.length
      cut(at, end)
    }
    at = end
  }
  return parts.join('') + text.slice(from)
}

/** Where a link ends that goes on here: letters of other scripts belong to its path, and to a host only where words have spaces. */
function tailEnd(text: string, from: number, inPath: boolean): number {
  let end = from
  let path = inPath
  while (end < text.length) {
    const char = String.fromCodePoint(text.codePointAt(end) ?? 0)
    if (LINK.test(char)) path ||= char === '/' || char === '?' || char === '#'
    else if (!isLetter(char) || !(path || !(isUnspaced(char) || isHangul(char)))) break
    end += char.length
  }
  return trimmed(text, from, end)
}

/** The end without punctuation that belongs to the sentence. */
function trimmed(text: string, from: number, end: number): number {
  let last = end
  while (last > from && TRAILING.test(text[last - 1] ?? '')) last--
  return last
}

/** `info@ada.example`, `@ada@ada.example`, `ada.example`, `notes.txt`; not `Ada.What` where a space was forgotten. */
function isAddress(token: string): boolean {
  const at = token.lastIndexOf('@')
  if (at > 0) return true
  const labels = token.slice(at + 1).split('.')
  const last = labels.at(-1) ?? ''
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label)) || !/^[A-Za-z]{2,}$/.test(last)) return false
  return last === last.toLowerCase() || last === last.toUpperCase()
}
