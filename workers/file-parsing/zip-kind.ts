import type { FileKind } from '../../src/storage/file-types.ts'
import { EPUB_CONTAINER, epubPackage } from './epub-package.ts'
import { readXml } from './markup.ts'
import { mainPart } from './office-relations.ts'
import { encrypted, executable, unsupported } from './rejection.ts'
import { ZIP_KINDS } from './unreadable-kinds.ts'
import { ZipReader } from './zip-reader.ts'

/** By the root element of the main part, which may be called anything. */
const OFFICE_ROOTS: ReadonlyMap<string | undefined, FileKind> = new Map([
  ['document', 'docx'],
  ['workbook', 'xlsx'],
  ['presentation', 'pptx'],
])
const OPEN_DOCUMENT = 'application/vnd.oasis.opendocument.'
const OPEN_KINDS: ReadonlyMap<string | undefined, FileKind> = new Map([
  ['text', 'odt'],
  ['spreadsheet', 'ods'],
  ['presentation', 'odp'],
])

async function rootElement(zip: ZipReader, part: string): Promise<string | undefined> {
  let root: string | undefined
  const pieces = readXml(zip.chunks(part), {
    open(name) {
      root ??= name
    },
  })
  for await (const _piece of pieces) if (root !== undefined) break
  return root
}

/** An OpenDocument by its media type; others of this family are named. @throws Rejection */
async function openDocumentKind(zip: ZipReader, type: string): Promise<FileKind> {
  if ((await zip.text('META-INF/manifest.xml'))?.includes(':encryption-data')) throw encrypted()
  // Templates are `text-template`, and so on.
  const kind = OPEN_KINDS.get(type.slice(OPEN_DOCUMENT.length).split('-')[0])
  if (!kind) throw unsupported('an OpenDocument drawing, formula or database', 'Export it as PDF and send that.')
  return kind
}

/** `mimetype`, or what the list of parts says of the whole. */
async function openDocumentType(zip: ZipReader): Promise<string | undefined> {
  const stated = (await zip.text('mimetype'))?.trim()
  if (stated) return stated
  if (!zip.has('content.xml')) return undefined
  const manifest = (await zip.text('META-INF/manifest.xml'))?.slice(0, 4_000) ?? ''
  return /"(application\/vnd\.oasis\.opendocument\.[a-z-]+)"/.exec(manifest)?.[1]
}

/** @throws Rejection for archives that are no documents, and for bombs whatever they claim to be */
export async function zipKind(path: string, maxUnpackedBytes: number): Promise<FileKind> {
  const zip = await ZipReader.open(path, maxUnpackedBytes)
  try {
    if (zip.has('META-INF/MANIFEST.MF') || zip.has('AndroidManifest.xml')) throw executable()
    const type = await openDocumentType(zip)
    if (type?.startsWith(OPEN_DOCUMENT)) return await openDocumentKind(zip, type)
    if (type === 'application/epub+zip') return 'epub'
    if (zip.has(EPUB_CONTAINER) && (await epubPackage(zip)) !== undefined) return 'epub'
    const names = zip.names()
    const named = ZIP_KINDS.find(([entry]) => names.some((name) => entry.test(name)))
    const main = await mainPart(zip)
    const office =
      main === undefined || main.endsWith('.bin') ? undefined : OFFICE_ROOTS.get(await rootElement(zip, main))
    if (!office)
      throw named ? unsupported(named[1], named[2]) : unsupported('an archive', 'Send the files that are in it.')
    if (names.some((name) => name.endsWith('vbaProject.bin')))
      throw unsupported('an Office file with macros', 'Save it without macros and send that.')
    return office
  } finally {
    zip.close()
  }
}
