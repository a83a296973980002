import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import type { ScanPages } from './protocol.ts'
import { malformed } from './rejection.ts'
import { DRAWING_MS, LOOKED_AT, PAGE_QUALITY, PAGE_SIDE, ScanWriter } from './scan-pages.ts'

/** Larger images are no photographs but attacks on memory. */
export const MAX_PIXELS = 100_000_000
const STRIPPED_SIDE = 2_048
const THUMBNAIL_SIDE = 320

/** The two files made of an image, in `folder`. */
export interface ImageCopies {
  stripped: string
  strippedType: string
  thumbnail: string
}

/** An image that is decoded already: four bytes a pixel. */
export interface Pixels {
  data: Uint8Array
  width: number
  height: number
}

sharp.cache(false)
sharp.concurrency(1)

/** Opens what `copyImage` copies. Each copy opens it anew: decoding twice is cheaper than keeping a large image. */
function opener(source: string | Buffer | Pixels): () => Sharp {
  const options = { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 } as const
  if (typeof source === 'string' || Buffer.isBuffer(source)) return () => sharp(source, options).autoOrient()
  const { data, width, height } = source
  return () => sharp(data, { ...options, raw: { width, height, channels: 4 } })
}

/**
 * Decodes the image and writes it anew, upright and without any metadata (place, camera, embedded thumbnails), bounded in size,
 * and a thumbnail. Photographs are JPEG; the others become PNG, which every model takes.
 */
export async function copyImage(
  source: string | Buffer | Pixels,
  folder: string,
  isPhotograph: boolean,
): Promise<ImageCopies> {
  const copies: ImageCopies = {
    stripped: join(folder, 'stripped'),
    strippedType: isPhotograph ? 'image/jpeg' : 'image/png',
    thumbnail: join(folder, 'thumbnail'),
  }
  const image = opener(source)
  try {
    const bounded = image().resize(STRIPPED_SIDE, STRIPPED_SIDE, { fit: 'inside', withoutEnlargement: true })
    const flat = () => bounded.flatten({ background: '#ffffff' }).jpeg({ quality: 88 })
    await (isPhotograph ? flat() : bounded.png()).toFile(copies.stripped)
    await image()
      .resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 75 })
      .toFile(copies.thumbnail)
  } catch {
    throw malformed('the image cannot be decoded')
  }
  return copies
}

/** Draws an SVG on white, large enough to read. The library that draws it opens no other file and no address. */
export async function drawSvg(path: string, folder: string): Promise<ImageCopies | null> {
  try {
    const source = await readFile(path)
    const drawing = sharp(source, { limitInputPixels: MAX_PIXELS, unlimited: false })
    const { width = 0, height = 0 } = await drawing.metadata()
    const side = Math.max(width, height)
    const density = side > 0 ? Math.min(2_400, Math.max(72, Math.round((72 * 1_200) / side))) : 72
    const drawn = await sharp(source, { limitInputPixels: MAX_PIXELS, density })
      .resize(STRIPPED_SIDE, STRIPPED_SIDE, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .png()
      .toBuffer()
    return await copyImage(drawn, folder, false)
  } catch {
    // Its words are still read.
    return null
  }
}

/** The pages of an image that has several, as faxes and scanners write TIFF; null when it has one. */
export async function scanTiff(path: string, folder: string): Promise<ScanPages | null> {
  const writer = new ScanWriter(folder)
  const { pages = 1 } = await sharp(path, { limitInputPixels: MAX_PIXELS }).metadata()
  if (pages < 2) return null
  const began = performance.now()
  for (let page = 0; page < Math.min(pages, LOOKED_AT) && !writer.isFull; page++) {
    if (performance.now() - began > DRAWING_MS) break
    try {
      const jpeg = await sharp(path, { limitInputPixels: MAX_PIXELS, page })
        .autoOrient()
        .resize(PAGE_SIDE, PAGE_SIDE, { fit: 'inside', withoutEnlargement: true })
        .flatten({ background: '#ffffff' })
        .jpeg({ quality: PAGE_QUALITY })
        .toBuffer()
      await writer.add(page + 1, jpeg)
    } catch {
      // One bad page costs one page.
    }
  }
  return writer.end()
}
