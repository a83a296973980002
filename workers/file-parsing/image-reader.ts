import { join } from 'node:path'
import sharp from 'sharp'
import { malformed } from './rejection.ts'

/** Larger images are no photographs but attacks on memory. */
const MAX_PIXELS = 100_000_000
const STRIPPED_SIDE = 2_048
const THUMBNAIL_SIDE = 320

/** The two files made of an image, in `folder`. */
export interface ImageCopies {
  stripped: string
  strippedType: string
  thumbnail: string
}

/**
 * Decodes the image and writes it anew, upright and without any metadata (place, camera, embedded thumbnails), bounded in size,
 * and a thumbnail. JPEG stays JPEG; the others become PNG, which every model takes.
 */
export async function copyImage(path: string, folder: string, isJpeg: boolean): Promise<ImageCopies> {
  const copies: ImageCopies = {
    stripped: join(folder, 'stripped'),
    strippedType: isJpeg ? 'image/jpeg' : 'image/png',
    thumbnail: join(folder, 'thumbnail'),
  }
  sharp.cache(false)
  sharp.concurrency(1)
  const image = () => sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 }).autoOrient()
  try {
    const bounded = image().resize(STRIPPED_SIDE, STRIPPED_SIDE, { fit: 'inside', withoutEnlargement: true })
    await (isJpeg ? bounded.jpeg({ quality: 88 }) : bounded.png()).toFile(copies.stripped)
    await image()
      .resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 75 })
      .toFile(copies.thumbnail)
  } catch {
    throw malformed('the image cannot be decoded')
  }
  return copies
}
