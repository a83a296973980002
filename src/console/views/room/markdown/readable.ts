/**
 * What of an agent's words is read as Markdown. Words come from models, and parsers of Markdown nest and look back: a text that
 * would cost too much is shown as it was written. One pass, before any parser.
 */

/** Longer texts are shown plainly, in UTF-16 code units. An answer has some thousands. */
export const MOST_CHARS = 48_000
/** A paragraph without a break; more is data, not prose. */
const MOST_IN_LINE = 8_000
/** Quotes and lists within each other; parsers call themselves for each. */
const MOST_DEPTH = 24
/** Marks that make a parser look back, or write far more than was read: footnotes and cells of tables. */
const MOST_FOOTNOTES = 100
const MOST_CELLS = 2_000

const QUOTE = '>'
const isMarker = (char: string): boolean => char === '-' || char === '*' || char === '+'
const isDigit = (char: string): boolean => char >= '0' && char <= '9'

/** True when a parser of Markdown reads the text in little time. */
export function isReadable(text: string): boolean {
  if (text.length > MOST_CHARS) return false
  let footnotes = 0
  let cells = 0
  for (const line of text.split('\n')) {
    if (line.length > MOST_IN_LINE || depthOf(line) > MOST_DEPTH) return false
    for (let at = 0; at < line.length; at++) {
      if (line[at] === '|') cells++
      else if (line[at] === '[' && line[at + 1] === '^') footnotes++
    }
    if (footnotes > MOST_FOOTNOTES || cells > MOST_CELLS) return false
  }
  return true
}

/** How many quotes and lists begin in the line, with its indentation counted as such, two blanks each. */
function depthOf(line: string): number {
  let depth = 0
  let blanks = 0
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    if (char === ' ') blanks++
    else if (char === '\t') blanks += 4
    else if (char === QUOTE) depth++
    else if (isMarker(char) && isBlank(line[at + 1])) depth++
    else if (isDigit(char)) {
      while (isDigit(line[at + 1] ?? '')) at++
      if (line[at + 1] !== '.' && line[at + 1] !== ')') break
      at++
      depth++
    } else break
    if (depth > MOST_DEPTH) return depth
  }
  return depth + Math.floor(blanks / 8)
}

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t' || char === undefined

/** The address of a link that may be opened; undefined for any other, such as `javascript:`. */
export function openable(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined
  const { protocol, href } = new URL(address)
  return protocol === 'https:' || protocol === 'http:' || protocol === 'mailto:' ? href : undefined
}
