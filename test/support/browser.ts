import { once } from 'node:events'
import { createServer } from 'node:http'
import { build } from 'esbuild'
import type { Context } from 'mocha'
import { type Browser, chromium } from 'playwright-core'
import { portOf } from './link.ts'
import { needPrograms, pathOf } from './programs.ts'

/** Chromium says nothing to anybody but the page's servers, and needs no screen. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The same engine without windows: a page takes a fifth of the CPU of one in the whole browser, which makes tabs and a toolbar for nobody. */
const WINDOWLESS = 'chromium-headless-shell'

/** The system's Chromium, with a profile of its own. Without one the suite is skipped, and says so. */
export async function startBrowser(context: Context): Promise<Browser> {
  const windowless = pathOf(WINDOWLESS)
  if (!windowless) needPrograms(context, 'chromium')
  return chromium.launch({ executablePath: windowless ?? pathOf('chromium'), args: FLAGS })
}

let shared: Browser | undefined

/** One for all suites of a process, which do not share their contexts. It ends with the process. Without one the suite is skipped. */
export async function sharedBrowser(context: Context): Promise<Browser> {
  if (!shared?.isConnected()) shared = await startBrowser(context)
  return shared
}

/** A page whose script is given later, on an origin of its own. */
export interface ScriptPage {
  /** Where it is; its origin is what a server must let in. */
  readonly origin: string
  /** Bundles a module (JSX) with the packages of this project, as an app's build does. */
  show(script: string): Promise<void>
  close(): Promise<void>
}

export async function startScriptPage(): Promise<ScriptPage> {
  let script = ''
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
    response.end(isScript ? script : '<!doctype html><body></body><script type="module" src="/page.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${portOf(server)}`,
    async show(contents) {
      const { outputFiles } = await build({
        stdin: { contents, loader: 'jsx', resolveDir: process.cwd() },
        bundle: true,
        format: 'esm',
        jsx: 'automatic',
        write: false,
        define: { 'process.env.NODE_ENV': '"production"' },
        logLevel: 'error',
      })
      script = outputFiles[0]?.text ?? ''
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
