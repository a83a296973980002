import { open, readFile } from 'node:fs/promises'
import { claimedKinds, contentTypeOf, FILE_KINDS, type FileKind } from '../../src/storage/file-types.ts'
import { encrypted, executable, Rejection, unsupported } from './rejection.ts'
import { unicodeOf } from './text-encoding.ts'
import { brandedKind, OLE_KINDS, type UnreadableKind, unreadableKind } from './unreadable-kinds.ts'

/** What the first bytes say. */
type Signature = FileKind | 'zip' | 'ole' | 'executable' | 'archive' | 'binary' | UnreadableKind

const HEAD_BYTES = 64 * 1024
/** Office keeps the name of the encrypted part in a folder of the old format, UTF-16. */
const ENCRYPTED_PACKAGE = Buffer.from('EncryptedPackage', 'utf16le')
const OLE_SCAN_BYTES = 32 * 1024 * 1024

const EXECUTABLES: Array<[number, string]> = [
  [0, 'MZ'],
  [0, '\x7fELF'],
  [0, '\xfe\xed\xfa\xce'],
  [0, '\xfe\xed\xfa\xcf'],
  [0, '\xce\xfa\xed\xfe'],
  [0, '\xcf\xfa\xed\xfe'],
  [0, '\xca\xfe\xba\xbe'],
  [0, '\0asm'],
  [0, 'dex\n'],
  [0, '!<arch>\n'],
]
const ARCHIVES: Array<[number, string]> = [
  [0, '\x1f\x8b'],
  [0, '7z\xbc\xaf\x27\x1c'],
  [0, 'Rar!\x1a\x07'],
  [0, 'BZh'],
  [0, '\xfd7zXZ\0'],
  [0, '\x28\xb5\x2f\xfd'],
  [257, 'ustar'],
  [0, 'MSCF'],
]
const MARKS: Array<[FileKind, number, string]> = [
  ['png', 0, '\x89PNG\r\n\x1a\n'],
  ['jpeg', 0, '\xff\xd8\xff'],
  ['gif', 0, 'GIF87a'],
  ['gif', 0, 'GIF89a'],
  ['webp', 8, 'WEBP'],
  ['tiff', 0, 'II*\0'],
  ['tiff', 0, 'MM\0*'],
  ['tiff', 0, 'II+\0'],
  ['tiff', 0, 'MM\0+'],
  ['rtf', 0, '{\\rtf'],
]

/** Tabs, ends of lines and pages, DOS' end of a file, escapes, and separators. */
const TEXT_CONTROLS = new Set([9, 10, 11, 12, 13, 26, 27, 28, 29, 30, 31])

/** Text has no NUL (but in UTF-16 and UTF-32) and hardly any control characters. */
function looksLikeText(head: Buffer): boolean {
  const unicode = unicodeOf(head)
  if (unicode !== undefined && unicode !== 'utf-8') return true
  let odd = 0
  for (const byte of head) {
    if (byte === 0) return false
    if (byte < 32 && !TEXT_CONTROLS.has(byte)) odd++
  }
  return odd <= head.length / 200
}

function signatureOf(head: Buffer): Signature {
  const bytes = head.toString('latin1')
  const at = ([offset, mark]: [number, string]) => bytes.startsWith(mark, offset)
  // Readers of PDF accept some bytes before its mark.
  if (bytes.slice(0, 1_024).includes('%PDF-')) return 'pdf'
  const marked = MARKS.find(([, offset, mark]) => at([offset, mark]))
  if (marked) return marked[0]
  const branded = brandedKind(head)
  if (branded) return branded
  if (bytes.startsWith('PK\x03\x04') || bytes.startsWith('PK\x05\x06')) return 'zip'
  if (bytes.startsWith('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) return 'ole'
  if (EXECUTABLES.some(at) || /^#!\s*\//.test(bytes)) return 'executable'
  if (ARCHIVES.some(at)) return 'archive'
  if (bytes.startsWith('%!PS')) return unreadableKind(head) ?? 'text'
  return looksLikeText(head) ? 'text' : (unreadableKind(head) ?? 'binary')
}

/** What the content is, whatever anybody says of it. `text` stands for every kind of text. */
async function contentKind(path: string, maxUnpackedBytes: number): Promise<FileKind> {
  const handle = await open(path, 'r')
  const head = Buffer.alloc(HEAD_BYTES)
  const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0).finally(() => handle.close())
  const signature = signatureOf(head.subarray(0, bytesRead))
  if (typeof signature === 'object') throw unsupported(signature.what, signature.instead)
  switch (signature) {
    case 'zip': {
      const { zipKind } = await import('./zip-kind.ts')
      return zipKind(path, maxUnpackedBytes)
    }
    case 'ole':
      throw oleKind(await readStart(path))
    case 'executable':
      throw executable()
    case 'archive':
      throw unsupported('an archive', 'Send the files that are in it.')
    case 'binary':
      throw unsupported('neither a document, an image nor text')
    default:
      return signature
  }
}

/** Why a file in Microsoft's old container cannot be read. */
function oleKind(start: Buffer): Rejection {
  if (start.includes(ENCRYPTED_PACKAGE)) return encrypted()
  const found = OLE_KINDS.find(([stream]) => start.includes(Buffer.from(stream, 'utf16le')))
  if (found) return unsupported(found[1], found[2])
  return unsupported('an Office file of before 2007', 'Save it in a format of today, such as DOCX, XLSX, PPTX or PDF.')
}

const readStart = async (path: string): Promise<Buffer> => {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size <= OLE_SCAN_BYTES) return await readFile(handle)
    const start = Buffer.alloc(OLE_SCAN_BYTES)
    await handle.read(start, 0, OLE_SCAN_BYTES, 0)
    return start
  } finally {
    await handle.close()
  }
}

/**
 * The kind by which to read the file: what its content is, provided that type and name claim nothing else.
 * @throws Rejection `file.type_mismatch`, `file.type_unsupported`, `file.executable`, `file.encrypted`, `file.archive_bomb`
 */
export async function detectKind(
  path: string,
  declared: { name: string; contentType: string },
  maxUnpackedBytes: number,
): Promise<FileKind> {
  const claims = claimedKinds(declared.contentType, declared.name)
  const content = await contentKind(path, maxUnpackedBytes)
  if (content !== 'text') {
    // Rich Text is text, too.
    const isText = FILE_KINDS[content].family === 'text'
    const lie = claims.find((claim) => claim !== content && !(isText && FILE_KINDS[claim].family === 'text'))
    if (lie) throw mismatch(lie, content)
    return content
  }
  // Windows calls CSV a spreadsheet; among kinds of text the name knows best.
  const lie = claims.find((claim) => FILE_KINDS[claim].family !== 'text')
  if (lie) throw mismatch(lie, content)
  return claims.at(-1) ?? 'text'
}

const mismatch = (claim: FileKind, content: FileKind) =>
  new Rejection(
    'file.type_mismatch',
    `The file claims to be ${contentTypeOf(claim)}, but its content is ${contentTypeOf(content)}.`,
  )
