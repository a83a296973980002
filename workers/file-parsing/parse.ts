import { readFile, stat } from 'node:fs/promises'
import { contentTypeOf, type FileKind } from '../../src/storage/file-types.ts'
import type { Chunker, Section } from './chunks.ts'
import { detectKind } from './detect.ts'
import type { ParseMessage, ScanPages } from './protocol.ts'
import { Rejection, tooManyPages, tooMuchText } from './rejection.ts'
import type { ParseRequest } from './request.ts'
import { decodeText } from './text-encoding.ts'
import { readCsv, readJson, readMarkdown, readPlain } from './text-reader.ts'
import type { ZipReader } from './zip-reader.ts'

type Sections = AsyncIterable<Section> | Iterable<Section>
type Done = Extract<ParseMessage, { type: 'done' }>
/** What a reader finds besides text; `scans` is asked when the text has been read. */
interface Findings {
  done: Done
  scans?: () => Promise<ScanPages | null>
}

/** Bytes of markup and encoding that a character of text may cost. */
const BYTES_PER_CHAR = 8

/** Reads a file: its chunks, then what it is. Never throws; a file that cannot be read ends in `rejected`. */
export async function* parseFile(request: ParseRequest): AsyncIterable<ParseMessage> {
  try {
    const kind = await detectKind(request.path, request, request.maxUnpackedBytes)
    let chunker: Chunker | undefined
    const done: Done = {
      type: 'done',
      contentType: contentTypeOf(kind),
      pages: null,
      textLength: 0,
      image: null,
      scans: null,
    }
    const findings: Findings = { done }
    for await (const section of await sectionsOf(kind, request, findings)) {
      if (section.page !== null && section.page > (done.pages ?? 0)) {
        done.pages = section.page
        if (done.pages > request.maxPages) throw tooManyPages(request.maxPages)
      }
      // Pictures have no text, and what tells languages apart is large.
      chunker ??= new (await import('./chunks.ts')).Chunker(request.maxTextChars)
      for (const chunk of chunker.add(section)) yield { type: 'chunk', chunk }
    }
    for (const chunk of chunker?.end() ?? []) yield { type: 'chunk', chunk }
    const scans = (await findings.scans?.()) ?? null
    yield { ...done, textLength: chunker?.textLength ?? 0, scans }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    yield { type: 'rejected', code: error.code, message: error.message }
  }
}

/** Readers are loaded when they are needed: a file needs one, and loading all costs more than reading most files. `findings` learn what is known besides the text. */
async function sectionsOf(kind: FileKind, request: ParseRequest, findings: Findings): Promise<Sections> {
  const { done } = findings
  switch (kind) {
    case 'pdf': {
      await requireWhole(request)
      const { openPdf } = await import('./pdf-reader.ts')
      const { pages, sections, scans } = await openPdf(request.path, request.maxPages, request.folder)
      done.pages = pages
      findings.scans = scans
      return sections
    }
    case 'docx': {
      const { readDocx } = await import('./docx-reader.ts')
      return fromZip(request, readDocx)
    }
    case 'pptx': {
      const { readPptx } = await import('./pptx-reader.ts')
      return fromZip(request, (zip) => readPptx(zip, request.maxPages))
    }
    case 'xlsx': {
      const { readXlsx } = await import('./xlsx-reader.ts')
      return fromZip(request, (zip) => readXlsx(zip, request))
    }
    case 'epub': {
      const { readEpub } = await import('./epub-reader.ts')
      return fromZip(request, readEpub)
    }
    case 'odt':
    case 'ods':
    case 'odp': {
      const { readOdp, readOds, readOdt } = await import('./odf-reader.ts')
      return fromZip(request, { odt: readOdt, ods: readOds, odp: readOdp }[kind])
    }
    case 'rtf': {
      const bytes = await wholeBytes(request)
      const { readRtf } = await import('./rtf-reader.ts')
      return readRtf(bytes.toString('latin1'))
    }
    case 'eml': {
      await requireWhole(request)
      const { readEml } = await import('./eml-reader.ts')
      return readEml(await readFile(request.path))
    }
    case 'png':
    case 'jpeg':
    case 'gif':
    case 'webp':
    case 'avif': {
      const { copyImage } = await import('./image-reader.ts')
      done.image = await copyImage(request.path, request.folder, kind === 'jpeg')
      return []
    }
    case 'tiff': {
      const { copyImage, scanTiff } = await import('./image-reader.ts')
      done.image = await copyImage(request.path, request.folder, true)
      findings.scans = () => scanTiff(request.path, request.folder)
      return []
    }
    case 'heic': {
      await requireWhole(request)
      const { decodeHeic } = await import('./heic-reader.ts')
      const { copyImage } = await import('./image-reader.ts')
      done.image = await copyImage(await decodeHeic(request.path), request.folder, true)
      return []
    }
    case 'html': {
      const text = await wholeText(request)
      const { readHtml } = await import('./html-reader.ts')
      return readHtml(text, { xml: isXhtml(text, request) })
    }
    case 'svg': {
      const text = await wholeText(request)
      const { drawSvg } = await import('./image-reader.ts')
      const { readHtml } = await import('./html-reader.ts')
      done.image = await drawSvg(request.path, request.folder)
      return readHtml(text, { xml: true })
    }
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
  const { ZipReader } = await import('./zip-reader.ts')
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

async function wholeBytes(request: ParseRequest): Promise<Buffer> {
  await requireWhole(request)
  return readFile(request.path)
}

async function wholeText(request: ParseRequest): Promise<string> {
  if ((await stat(request.path)).size > request.maxTextChars * BYTES_PER_CHAR) throw tooMuchText(request.maxTextChars)
  return decodeText(await wholeBytes(request))
}

/** XHTML says so by its name, its type, or its first line. */
const isXhtml = (text: string, { name, contentType }: ParseRequest): boolean =>
  contentType === 'application/xhtml+xml' || /\.xhtml?$/i.test(name) || /^\s{0,9}<\?xml\s/.test(text.slice(0, 100))
