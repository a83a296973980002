import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { Express, Request, Response } from 'express'
import { CONSOLE_PATHS } from '../contract/console-paths.ts'

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
/** Names of these have a hash of their content in them: what is called so never changes. */
const HASHED = 'assets/'
const PAGE = 'index.html'
const ICON = 'icon.svg'
/** Written last by the build. */
const STAMP = 'made-of'

/**
 * Scripts and styles are the page's own files. Pictures are too, or were made by the page of what it was sent (`blob:`); none comes from
 * elsewhere, whatever a model writes. Styles that libraries set at elements go through the CSSOM, which needs no exception.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

interface Asset {
  type: string
  etag: string
  bytes: Buffer
  /** Compressed by the build, by the name of the encoding. */
  encoded: Partial<Record<'br' | 'gzip', Buffer>>
}

/** What `npm run build` made of `src/console`, in memory; read again when it was made again. */
export class ConsoleAssets {
  readonly #folder: string
  #assets: ReadonlyMap<string, Asset> = new Map()
  #madeAt: number | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The page, as it is now; undefined where it was not built. */
  page(): Asset | undefined {
    const madeAt = statSync(join(this.#folder, STAMP), { throwIfNoEntry: false })?.mtimeMs
    if (madeAt !== undefined && madeAt !== this.#madeAt) {
      this.#assets = readAssets(this.#folder)
      this.#madeAt = madeAt
    }
    return this.#assets.get(PAGE)
  }

  /** A file besides the page, by its path; undefined where there is none. */
  file(path: string): Asset | undefined {
    if (this.#madeAt === undefined) this.page()
    return path === PAGE ? undefined : this.#assets.get(path)
  }
}

function readAssets(folder: string): Map<string, Asset> {
  const found = new Map<string, Asset>()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = TYPES[extname(name)]
    if (!type) continue
    const read = (suffix: string) => {
      const path = join(folder, name + suffix)
      return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path) : undefined
    }
    const bytes = readFileSync(join(folder, name))
    const etag = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
    const [br, gzip] = [read('.br'), read('.gz')]
    found.set(name.replaceAll('\\', '/'), { type, etag, bytes, encoded: { ...(br && { br }), ...(gzip && { gzip }) } })
  }
  return found
}

/** Sends the smallest that the client takes; 304 where it has it already. */
function send(request: Request, response: Response, asset: Asset): void {
  const encoding = (['br', 'gzip'] as const).find((one) => asset.encoded[one] && request.acceptsEncodings(one) === one)
  const encoded = encoding && asset.encoded[encoding]
  response.vary('accept-encoding').type(asset.type)
  if (encoded) response.set('content-encoding', encoding)
  response.set('etag', `"${asset.etag}${encoded ? `-${encoding}` : ''}"`)
  response.send(encoded ?? asset.bytes)
}

/** The console's page, at its own paths: to browsers, which ask for HTML; to nobody where it was not built. */
export function sendConsole(assets: ConsoleAssets, request: Request, response: Response): boolean {
  const page = assets.page()
  if (!page) return false
  response.set({
    'cache-control': 'no-cache',
    'content-security-policy': POLICY,
    'x-robots-tag': 'noindex, nofollow',
  })
  send(request, response, page)
  return true
}

/**
 * The files of the console, and its page at the paths of `CONSOLE_PATHS`. Who asks for JSON there, or for anything, is told that
 * there is no such route, as everywhere else.
 */
export function consolePages(app: Express, assets: ConsoleAssets): void {
  app.use((request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next()
    const path = request.path.slice(1)
    const asset = path === ICON || path.startsWith(HASHED) ? assets.file(path) : undefined
    if (asset) {
      response.set('cache-control', path === ICON ? 'no-cache' : 'public, max-age=31536000, immutable')
      return send(request, response, asset)
    }
    const isOurs = CONSOLE_PATHS.some((first) => path === first || path.startsWith(`${first}/`))
    const isForPage = isOurs && request.accepts(['json', 'html']) === 'html'
    if (!isForPage || !sendConsole(assets, request, response)) next()
  })
}
