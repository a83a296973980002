import { extensionOf } from './file-name.ts'

/** The kinds of file that are understood; each has one reader. */
export type FileKind =
  | 'pdf'
  | 'docx'
  | 'xlsx'
  | 'pptx'
  | 'epub'
  | 'odt'
  | 'ods'
  | 'odp'
  | 'rtf'
  | 'png'
  | 'jpeg'
  | 'gif'
  | 'webp'
  | 'avif'
  | 'tiff'
  | 'heic'
  | 'html'
  | 'markdown'
  | 'csv'
  | 'json'
  | 'eml'
  | 'text'
  | 'svg'

interface KindFacts {
  /** The first is the one that is stored and served. */
  types: readonly [string, ...string[]]
  extensions: readonly string[]
  /** Text kinds cannot be told from each other by content alone: the claim decides among them. */
  family: 'text' | 'image' | 'document'
}

export const FILE_KINDS: Record<FileKind, KindFacts> = {
  pdf: { types: ['application/pdf', 'application/x-pdf'], extensions: ['pdf'], family: 'document' },
  docx: {
    types: ['application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    extensions: ['docx'],
    family: 'document',
  },
  xlsx: {
    types: ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    extensions: ['xlsx'],
    family: 'document',
  },
  pptx: {
    types: ['application/vnd.openxmlformats-officedocument.presentationml.presentation'],
    extensions: ['pptx'],
    family: 'document',
  },
  epub: { types: ['application/epub+zip'], extensions: ['epub'], family: 'document' },
  odt: { types: ['application/vnd.oasis.opendocument.text'], extensions: ['odt'], family: 'document' },
  ods: { types: ['application/vnd.oasis.opendocument.spreadsheet'], extensions: ['ods'], family: 'document' },
  odp: { types: ['application/vnd.oasis.opendocument.presentation'], extensions: ['odp'], family: 'document' },
  rtf: { types: ['application/rtf', 'text/rtf', 'text/richtext'], extensions: ['rtf'], family: 'text' },
  png: { types: ['image/png', 'image/x-png'], extensions: ['png'], family: 'image' },
  jpeg: { types: ['image/jpeg', 'image/jpg', 'image/pjpeg'], extensions: ['jpg', 'jpeg'], family: 'image' },
  gif: { types: ['image/gif'], extensions: ['gif'], family: 'image' },
  webp: { types: ['image/webp'], extensions: ['webp'], family: 'image' },
  avif: { types: ['image/avif'], extensions: ['avif'], family: 'image' },
  tiff: { types: ['image/tiff', 'image/tif', 'image/x-tiff'], extensions: ['tif', 'tiff'], family: 'image' },
  heic: {
    types: ['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence'],
    extensions: ['heic', 'heif', 'hif'],
    family: 'image',
  },
  html: { types: ['text/html', 'application/xhtml+xml'], extensions: ['html', 'htm', 'xhtml'], family: 'text' },
  markdown: { types: ['text/markdown', 'text/x-markdown'], extensions: ['md', 'markdown'], family: 'text' },
  csv: {
    types: ['text/csv', 'application/csv', 'text/tab-separated-values'],
    extensions: ['csv', 'tsv'],
    family: 'text',
  },
  json: {
    types: ['application/json', 'text/json', 'application/x-ndjson'],
    extensions: ['json', 'ndjson', 'jsonl'],
    family: 'text',
  },
  eml: { types: ['message/rfc822'], extensions: ['eml'], family: 'text' },
  svg: { types: ['image/svg+xml'], extensions: ['svg'], family: 'text' },
  text: { types: ['text/plain'], extensions: ['txt', 'text', 'log'], family: 'text' },
}

const KINDS = Object.keys(FILE_KINDS).filter((kind): kind is FileKind => kind in FILE_KINDS)

/** The type that a kind is stored and served as. */
export const contentTypeOf = (kind: FileKind): string => FILE_KINDS[kind].types[0]

const kindOfType = (type: string) => KINDS.find((kind) => FILE_KINDS[kind].types.includes(type))
const kindOfExtension = (extension: string) => KINDS.find((kind) => FILE_KINDS[kind].extensions.includes(extension))

/** The kinds that the declared type and the name claim; unknown and generic claims claim nothing. */
export function claimedKinds(declaredType: string, name: string): FileKind[] {
  const claims = [kindOfType(declaredType), kindOfExtension(extensionOf(name))]
  return claims.filter((kind) => kind !== undefined)
}

const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/

/** A media type in lower case without parameters; what is none becomes `application/octet-stream`. */
export function normalType(type: string | undefined): string {
  const bare = type?.split(';')[0]?.trim().toLowerCase() ?? ''
  return TYPE.test(bare) ? bare : 'application/octet-stream'
}

const INLINE: ReadonlySet<FileKind> = new Set<FileKind>(['pdf', 'png', 'jpeg', 'gif', 'webp', 'avif', 'text'])

/** Types that a browser may show in place: nothing in them can run. HTML and SVG never are. */
export const mayShowInline = (contentType: string): boolean => {
  const kind = kindOfType(contentType)
  return kind !== undefined && INLINE.has(kind)
}
