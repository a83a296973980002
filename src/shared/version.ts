import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'

const manifest = z.object({ version: z.string() })
/** Beside `src/`, or beside the `dist/` that was built of it. */
const places = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url))

/** The product's version. */
export const VERSION: string = (() => {
  const place = places.find((url) => existsSync(url))
  return place ? manifest.parse(JSON.parse(readFileSync(place, 'utf8'))).version : 'unknown'
})()
