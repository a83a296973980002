import { readFile, stat } from 'node:fs/promises'
import { contentTypeOf, type FileKind } from '../../src/storage/file-types.ts'
import { Chunker, type Section } from './chunks.ts'
import { detectKind } from './detect.ts'
import { readDocx } from './docx-reader.ts'
import { readEpub } from './epub-reader.ts'
import { readHtml } from './html-reader.ts'
import { readPptx } from './pptx-reader.ts'
import type { ParseMessage, ParseRequest } from './protocol.ts'
import { Rejection, tooManyPages, tooMuchText } from './rejection.ts'
import { decodeText, readCsv, readJson, readMarkdown, readPlain } from './text-reader.ts'
import { readXlsx } from './xlsx-reader.ts'
import { ZipReader } from './zip-reader.ts'

type Sections = AsyncIterable<Section> | Iterable<Section>
type Done = Extract<ParseMessage, { type: 'done' }>

/** Bytes of markup and encoding that a character of text may cost. */
const BYTES_PER_CHAR = 8

/** Reads a file: its chunks, then what it is. Never throws; a file that cannot be read ends in `rejected`. */
export async function* parseFile(request: ParseRequest): AsyncIterable<ParseMessage> {
  try {
    const kind = await detectKind(request.path, request, request.maxUnpackedBytes)
    const chunker = new Chunker(request.maxTextChars)
    const done: Done = { type: 'done', contentType: contentTypeOf(kind), pages: null, textLength: 0, image: null }
    for await (const section of await sectionsOf(kind, request, done)) {
      if (section.page !== null && section.page > (done.pages ?? 0)) {
        done.pages = section.page
        if (done.pages > request.maxPages) throw tooManyPages(request.maxPages)
      }
      for (const chunk of chunker.add(section)) yield { type: 'chunk', chunk }
    }
    for (const chunk of chunker.end()) yield { type: 'chunk', chunk }
    yield { ...done, textLength: chunker.textLength }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    yield { type: 'rejected', code: error.code, message: error.message }
  }
}

/** Readers are loaded when they are needed: most files need only one. `done` learns what is known besides the text. */
async function sectionsOf(kind: FileKind, request: ParseRequest, done: Done): Promise<Sections> {
  switch (kind) {
    case 'pdf': {
      await requireWhole(request)
      const { openPdf } = await import('./pdf-reader.ts')
      const { pages, sections } = await openPdf(request.path, request.maxPages)
      done.pages = pages
      return sections
    }
    case 'docx':
      return fromZip(request, readDocx)
    case 'pptx':
      return fromZip(request, (zip) => readPptx(zip, request.maxPages))
    case 'xlsx':
      return fromZip(request, (zip) => readXlsx(zip, request))
    case 'epub':
      return fromZip(request, readEpub)
    case 'png':
    case 'jpeg':
    case 'gif':
    case 'webp':
    case 'avif': {
      const { copyImage } = await import('./image-reader.ts')
      done.image = await copyImage(request.path, request.folder, kind === 'jpeg')
      return []
    }
    case 'html':
      return readHtml(await wholeText(request))
    case 'svg':
      return readHtml(await wholeText(request), { xml: true })
    case 'markdown':
      return readMarkdown(await wholeText(request))
    case 'csv':
      return readCsv(await wholeText(request))
    case 'json':
      return readJson(await wholeText(request))
    case 'text':
      return readPlain(await wholeText(request))
  }
}

async function* fromZip(
  request: ParseRequest,
  read: (zip: ZipReader) => AsyncIterable<Section>,
): AsyncIterable<Section> {
  const zip = await ZipReader.open(request.path, request.maxUnpackedBytes)
  try {
    yield* read(zip)
  } finally {
    zip.close()
  }
}

/** Formats that have to be in memory as a whole are refused before they fill it. */
async function requireWhole({ path, maxWholeBytes }: ParseRequest): Promise<void> {
  if ((await stat(path)).size <= maxWholeBytes) return
  throw new Rejection('file.too_large_to_read', `A file of this kind can be read up to ${maxWholeBytes} bytes.`)
}

async function wholeText(request: ParseRequest): Promise<string> {
  await requireWhole(request)
  if ((await stat(request.path)).size > request.maxTextChars * BYTES_PER_CHAR) throw tooMuchText(request.maxTextChars)
  return decodeText(await readFile(request.path))
}
