/**
 * Makes the console's assets: `node src/build-console.ts`, or with `--if-needed` only when they are missing or made of
 * something else than what is here, and where Vite is installed. Part of `npm run build` and of `npm start`.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const ROOT = join(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')
const CONSOLE_FOLDER = join(DIST, 'console')
const PAGE_SOURCES = join(ROOT, 'src/console')
/** What the assets are made of. */
const SOURCES = ['src/console', 'src/client', 'src/contract']
const STAMP = 'made-of'
const TEXTS = /\.(js|css|html|svg|json)$/
/** Smaller ones gain nothing. */
const LEAST_BYTES = 1_024

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Names what the assets are made of: another one, and they are old. */
function sourceStamp(): string {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json')))
  for (const folder of SOURCES) {
    const names = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.includes('/dist/'))
      .sort()
    for (const path of names) hash.update(`\0${path.slice(ROOT.length)}\0`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

const stampIn = (folder: string): Promise<string | undefined> =>
  readFile(join(folder, STAMP), 'utf8').catch(() => undefined)

/** Compressed once and well, instead of at each request: `.br` and `.gz` beside each text. */
async function compressAll(folder: string): Promise<void> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => TEXTS.test(name))
  await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const bytes = await readFile(path)
      if (bytes.length < LEAST_BYTES) return
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
      await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, { params }))
      await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }))
    }),
  )
}

/** Builds aside and puts the result in place at once: who looks meanwhile sees all of the old ones, or all of the new. */
export async function buildConsole(): Promise<void> {
  const stamp = sourceStamp()
  const { build } = await import('vite')
  await mkdir(DIST, { recursive: true })
  const made = await mkdtemp(join(DIST, 'console-'))
  try {
    await build({
      root: PAGE_SOURCES,
      configFile: join(PAGE_SOURCES, 'vite-settings.ts'),
      mode: 'production',
      logLevel: 'warn',
      build: { outDir: made, emptyOutDir: false },
    })
    await compressAll(made)
    // Made for one's own eyes, and then read by whoever serves it.
    await chmod(made, 0o755)
    await writeFile(join(made, STAMP), stamp)
    const old = await mkdtemp(join(DIST, 'console-'))
    await rename(CONSOLE_FOLDER, old).catch(() => {})
    // Somebody else was quicker: theirs are as good.
    await rename(made, CONSOLE_FOLDER).catch(async (error: unknown) => {
      if ((await stampIn(CONSOLE_FOLDER)) !== stamp) throw error
    })
    await rm(old, { recursive: true, force: true })
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}

/** Builds when that is needed and can be done; whatever comes of it, the server starts, and says on `/` that the console is missing. */
export async function buildConsoleIfNeeded(): Promise<void> {
  if ((await stampIn(CONSOLE_FOLDER)) === sourceStamp()) return
  try {
    createRequire(import.meta.url).resolve('vite')
  } catch {
    // An installation without what only builds need: it has the assets that it was given.
    return
  }
  const begun = performance.now()
  try {
    await buildConsole()
    say(`The console was built in ${((performance.now() - begun) / 1_000).toFixed(1)} s.`)
  } catch (error) {
    say(`The console could not be built: ${error instanceof Error ? error.message : error}`)
  }
}

if (import.meta.main) await (process.argv.includes('--if-needed') ? buildConsoleIfNeeded() : buildConsole())
