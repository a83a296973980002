import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createCanvas } from '@napi-rs/canvas'
import {
  getDocument,
  OPS,
  type PDFDocumentProxy,
  type PDFPageProxy,
  VerbosityLevel,
} from 'pdfjs-dist/legacy/build/pdf.mjs'
import { z } from 'zod'
import type { Section } from './chunks.ts'
import { layoutText, type PlacedText } from './pdf-layout.ts'
import type { ScanPages } from './protocol.ts'
import { encrypted, malformed, tooManyPages } from './rejection.ts'
import { DRAWING_MS, LOOKED_AT, PAGE_QUALITY, PAGE_SIDE, ScanWriter } from './scan-pages.ts'

/** pdf.js' own files: the maps of CJK encodings, the metrics of fonts that documents need not bring, decoders of images. */
const LIBRARY = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'))
const folder = (name: string): string => `${join(LIBRARY, name)}/`
/** Fewer letters and digits than these on a page are the number that a scanner printed on it. */
const SCAN_LETTERS = 10
/** A page of A4 at 600 dpi has 35 million; what is larger takes more memory than there is, and is left out of its page. */
const MOST_IMAGE_PIXELS = 50_000_000

const textItem = z.object({
  str: z.string(),
  hasEOL: z.boolean(),
  width: z.number(),
  height: z.number(),
  transform: z.array(z.number()),
  dir: z.string(),
})
const annotation = z.looseObject({
  subtype: z.string().optional(),
  fieldName: z.string().nullish(),
  alternativeText: z.string().nullish(),
  fieldValue: z.unknown().optional(),
  checkBox: z.boolean().nullish(),
  radioButton: z.boolean().nullish(),
  password: z.boolean().nullish(),
  hidden: z.boolean().nullish(),
  contentsObj: z.looseObject({ str: z.string() }).nullish(),
})

/** Opens a PDF and gives its pages' text one by one. `pages` is known before the first, `scans` after the last. */
export async function openPdf(
  path: string,
  maxPages: number,
  outFolder: string,
): Promise<{ pages: number; sections: AsyncIterable<Section>; scans: () => Promise<ScanPages | null> }> {
  const document = await getDocument({
    data: new Uint8Array(await readFile(path)),
    cMapUrl: folder('cmaps'),
    cMapPacked: true,
    standardFontDataUrl: folder('standard_fonts'),
    wasmUrl: folder('wasm'),
    iccUrl: folder('iccs'),
    // Not needed for text, and each is code that hostile files aim at.
    enableXfa: false,
    disableFontFace: true,
    useSystemFonts: false,
    stopAtErrors: false,
    maxImageSize: MOST_IMAGE_PIXELS,
    verbosity: VerbosityLevel.ERRORS,
  }).promise.catch((error: unknown) => {
    throw error instanceof Error && error.name === 'PasswordException'
      ? encrypted()
      : malformed('it is no readable PDF')
  })
  const pages = document.numPages
  if (pages > maxPages) throw tooManyPages(maxPages)
  if (pages === 0) throw malformed('it has no pages')
  const writer = new ScanWriter(outFolder)
  return { pages, sections: readPages(document, writer), scans: () => writer.end() }
}

async function* readPages(document: PDFDocumentProxy, writer: ScanWriter): AsyncIterable<Section> {
  let drawingMs = 0
  let looked = 0
  let unread = 0
  for (let number = 1; number <= document.numPages; number++) {
    // One bad page costs one page.
    let page: PDFPageProxy | undefined
    try {
      page = await document.getPage(number)
      const words = await pageText(page)
      const notes = await pageNotes(page)
      yield { page: number, heading: null, text: [words, ...notes].join('\n') }
      const isScan = (words.match(/[\p{L}\p{N}]/gu)?.length ?? 0) < SCAN_LETTERS
      if (isScan && !writer.isFull && drawingMs < DRAWING_MS && looked++ < LOOKED_AT) {
        const began = performance.now()
        const picture = await drawPage(page)
        if (picture) await writer.add(number, picture)
        drawingMs += performance.now() - began
      }
    } catch {
      unread++
      yield { page: number, heading: null, text: '' }
    }
    page?.cleanup()
  }
  if (unread === document.numPages) throw malformed('none of its pages can be read')
}

async function pageText(page: PDFPageProxy): Promise<string> {
  const content = await page.getTextContent()
  const items: PlacedText[] = []
  for (const item of content.items) {
    const { data } = textItem.safeParse(item)
    if (data) items.push(data)
  }
  return layoutText(items)
}

/** What was typed into forms, and what stands on the page without being part of it. */
async function pageNotes(page: PDFPageProxy): Promise<string[]> {
  const lines: string[] = []
  for (const raw of await page.getAnnotations()) {
    const { data } = annotation.safeParse(raw)
    if (!data || data.hidden) continue
    if (data.subtype === 'Widget') {
      const value = data.password ? '' : fieldText(data)
      const label = data.alternativeText || data.fieldName
      if (value) lines.push(label ? `${label}: ${value}` : value)
    } else if (data.subtype !== 'Link' && data.subtype !== 'Popup') {
      const words = data.contentsObj?.str.trim()
      if (words) lines.push(data.subtype === 'FreeText' ? words : `Note: ${words}`)
    }
  }
  return lines
}

function fieldText({ fieldValue, checkBox, radioButton }: z.output<typeof annotation>): string {
  const value = Array.isArray(fieldValue) ? fieldValue.filter((one) => typeof one === 'string').join(', ') : fieldValue
  if (typeof value !== 'string' || !value.trim()) return ''
  // Unticked boxes say nothing.
  if ((checkBox || radioButton) && value === 'Off') return ''
  return value.trim()
}

const PICTURES = new Set([
  OPS.paintImageXObject,
  OPS.paintInlineImageXObject,
  OPS.paintImageMaskXObject,
  OPS.paintImageMaskXObjectGroup,
  OPS.paintImageXObjectRepeat,
  OPS.paintImageMaskXObjectRepeat,
  OPS.shadingFill,
])
/** Letters drawn as shapes are many; lines and frames are few. */
const MANY_SHAPES = 50

/** A page that is a picture, as one; undefined when there is nothing to see on it, or it cannot be drawn. */
async function drawPage(page: PDFPageProxy): Promise<Uint8Array | undefined> {
  try {
    const { width, height } = page.getViewport({ scale: 1 })
    const viewport = page.getViewport({ scale: Math.min(4, PAGE_SIDE / Math.max(width, height, 1)) })
    const canvas = createCanvas(Math.max(1, Math.round(viewport.width)), Math.max(1, Math.round(viewport.height)))
    const operators = await page.getOperatorList()
    const shapes = operators.fnArray.filter((operator) => operator === OPS.constructPath).length
    if (shapes < MANY_SHAPES && !operators.fnArray.some((operator) => PICTURES.has(operator))) return undefined
    await page.render({ canvas: null, canvasContext: canvas.getContext('2d'), viewport, background: '#ffffff' }).promise
    return await canvas.encode('jpeg', PAGE_QUALITY)
  } catch {
    return undefined
  }
}
