/** A piece of text as it stands on a page; `transform` is that of PDF: size and direction, then x and y. */
export interface PlacedText {
  str: string
  hasEOL: boolean
  /** Of the piece, along its line. */
  width: number
  height: number
  transform: number[]
  dir: string
}

/** Shares of the letters' height: a wider gap is a space, a higher step another line. */
const GAP = 0.15
const STEP = 0.5
/** Between columns. */
const COLUMN_GAP = 2.5

/**
 * The pieces of a page as text, in the order of the document: a gap is a space, a wide one a tab, a new baseline a line. What is
 * cut at the end of a line with a hyphen is one word.
 */
export function layoutText(items: readonly PlacedText[]): string {
  const pieces: string[] = []
  let last: { endX: number; y: number; size: number; cos: number; sin: number } | undefined
  let ends = '\n'
  const put = (text: string) => {
    if (!text) return
    pieces.push(text)
    ends = text.at(-1) ?? ''
  }
  for (const { str, hasEOL, width, height, transform, dir } of items) {
    const [a = 1, b = 0, , , e = 0, f = 0] = transform
    const size = Math.hypot(a, b) || height || 1
    const [cos, sin] = [a / size, b / size]
    if (str) {
      // Along the line and across it, so that turned text is read alike.
      const along = e * cos + f * sin
      const across = f * cos - e * sin
      if (last && ends !== '\n') {
        const large = Math.max(size, last.size)
        const turned = cos * last.cos + sin * last.sin < 0.9
        const gap = along - last.endX
        if (turned || Math.abs(across - last.y) > large * STEP) put('\n')
        else if (dir === 'rtl') put('')
        else if (gap < -large * 3) put('\n')
        else if (str.trim() && !/\s$/.test(ends) && !/^\s/.test(str)) {
          if (gap > large * COLUMN_GAP) put('\t')
          else if (gap > large * GAP) put(' ')
        }
      }
      put(str)
      last = { endX: along + width, y: across, size, cos, sin }
    }
    if (hasEOL && ends !== '\n') put('\n')
  }
  return joinHyphens(pieces.join(''))
}

const joinHyphens = (text: string): string => text.replace(/(\p{Ll})[-\u00ad]\n(?=\p{Ll})/gu, '$1')
