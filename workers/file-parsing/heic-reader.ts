import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { z } from 'zod'
import { MAX_PIXELS, type Pixels } from './image-reader.ts'
import { Rejection } from './rejection.ts'

const unreadable = () =>
  new Rejection(
    'file.type_unsupported',
    'This HEIC image could not be decoded. Send the picture as JPEG or PNG: phones can be set to take "most compatible" pictures.',
  )

interface HeicImage {
  get_width(): number
  get_height(): number
  display(into: { data: Uint8ClampedArray; width: number; height: number }, done: (result: unknown) => void): void
}
/** What is used of `libheif-js`, which has no types. */
const library = z.object({
  HeifDecoder: z.custom<new () => { decode(bytes: Uint8Array): HeicImage[] }>((value) => typeof value === 'function'),
})

/** The picture of an iPhone. The decoder is an optional dependency (LGPL): without it such files are refused by name. */
export async function decodeHeic(path: string): Promise<Pixels> {
  let decoder: InstanceType<z.output<typeof library>['HeifDecoder']>
  try {
    const loaded: unknown = createRequire(import.meta.url)('libheif-js/wasm-bundle')
    decoder = new (library.parse(loaded).HeifDecoder)()
  } catch {
    throw unreadable()
  }
  try {
    const [image] = decoder.decode(await readFile(path))
    if (!image) throw unreadable()
    const [width, height] = [image.get_width(), image.get_height()]
    if (width * height > MAX_PIXELS || width * height === 0) throw unreadable()
    const data = new Uint8ClampedArray(width * height * 4)
    await new Promise<void>((resolve, reject) => {
      image.display({ data, width, height }, (result) => (result ? resolve() : reject(unreadable())))
    })
    return { data: new Uint8Array(data.buffer), width, height }
  } catch (error) {
    throw error instanceof Rejection ? error : unreadable()
  }
}
