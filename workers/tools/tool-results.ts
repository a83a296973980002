import type { MadeFile } from '../../src/runs/tool-files.ts'
import { storedText } from '../../src/tools/stored-text.ts'
import type { ToolContent } from './tool-source.ts'

/** Files that are kept of one result; the whole of a long text is one of them. */
const MOST_FILES = 8
const MOST_NAME = 200
/** Signs that nobody sees, and that have words shown as others: codes of terminals, and marks that turn the direction of what follows. */
const UNSEEN = /(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu
const MOST_TYPE = 100

/** What a tool gave back, as its call's row takes it, and what of it is to be kept as files. */
export interface ToolResult {
  text: string
  files: MadeFile[]
}

/**
 * A text of at most `mostChars` UTF-16 units, in which files are named and not shown; one that is longer goes whole into a file beside them.
 * @param name of the tool, for that file
 */
export function readResult(content: readonly ToolContent[], name: string, mostChars: number): ToolResult {
  const words = content.map(wordsOf).join('\n')
  const isLong = words.length > mostChars
  const whole = () => ({
    name: `${name} result.txt`,
    contentType: 'text/plain',
    data: Buffer.from(words.toWellFormed()),
  })
  const given = content.flatMap((part) => (part.type === 'file' && part.data.byteLength > 0 ? [part] : []))
  const files = [...(isLong ? [whole()] : []), ...given].slice(0, MOST_FILES)
  return {
    text: storedText(words.replace(UNSEEN, ''), mostChars),
    files: files.map((file) => ({ name: file.name, contentType: file.contentType, data: file.data })),
  }
}

const wordsOf = (part: ToolContent): string =>
  part.type === 'text'
    ? part.text
    : `(A file, ${part.name.slice(0, MOST_NAME)}, ${part.contentType.slice(0, MOST_TYPE)}, ${part.data.byteLength} bytes, which is not shown.)`
