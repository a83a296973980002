import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { portOf } from './link.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../..')
const bin = (name: string) => join(ROOT, 'node_modules/.bin', name)

/** As Vite's own template has it, and stricter: the types of packages are checked too. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'esnext',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
    moduleResolution: 'bundler',
    strict: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  },
  include: ['src'],
}

/** What is packed, elsewhere: other tests read the repository meanwhile, and a build would come and go in it. */
async function copyOfRepository(home: string): Promise<string> {
  const copy = join(home, 'repository')
  for (const name of ['package.json', 'tsconfig.json', 'src']) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true, filter: (path) => !path.endsWith('/dist') })
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** An empty project of somebody who builds a front end, beside the repository. */
export class FrontEnd {
  readonly folder: string
  /** The package that was installed. */
  readonly tarball: string

  readonly #pages: Server

  private constructor(home: string, pages: Server) {
    this.folder = join(home, 'app')
    this.tarball = join(home, 'chatsparty-0.1.0.tgz')
    this.#pages = pages.on('request', (request, response) => void this.#serve(request, response))
  }

  /** Where what was built is served: what a server must let in. */
  get origin(): string {
    return `http://127.0.0.1:${portOf(this.#pages)}`
  }

  /** Packs the client by `npm pack` in the repository, and installs what it made. */
  static async withClient(): Promise<FrontEnd> {
    const home = await mkdtemp(join(tmpdir(), 'front-end-'))
    const pages = createServer().listen(0, '127.0.0.1')
    await once(pages, 'listening')
    const app = new FrontEnd(home, pages)
    await app.write({
      'package.json': JSON.stringify({ name: 'app', private: true, type: 'module' }),
      'tsconfig.json': JSON.stringify(TSCONFIG),
    })
    await run('npm', ['pack', '--silent', '--pack-destination', home], { cwd: await copyOfRepository(home) })
    // What the repository itself was installed from is at hand, and nothing more is asked of the network than has to be.
    await run('npm', ['install', app.tarball, '--prefer-offline', '--no-audit', '--no-fund', '--silent'], {
      cwd: app.folder,
    })
    return app
  }

  /** Writes files, by their paths in the project. */
  async write(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true })
      await writeFile(join(this.folder, path), text)
    }
  }

  /** Names of all packages that are installed. */
  async packages(): Promise<string[]> {
    const lock = z
      .object({ packages: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(await readFile(join(this.folder, 'package-lock.json'), 'utf8')))
    return Object.keys(lock.packages).flatMap((path) => path.split('node_modules/')[1] ?? [])
  }

  /** What the compiler finds wrong; nothing, if all is well. */
  typecheck(): Promise<string> {
    return run(bin('tsc'), ['-p', '.'], { cwd: this.folder }).then(
      () => '',
      (error: unknown) => z.object({ stdout: z.string() }).parse(error).stdout,
    )
  }

  /** `vite build`. @returns the paths of what it made, below `dist` */
  async build(): Promise<string[]> {
    await run(bin('vite'), ['build', '--logLevel', 'error'], { cwd: this.folder })
    return readdir(join(this.folder, 'dist'), { recursive: true })
  }

  /** Runs one of its modules by Node. @returns its output @throws Error with it, when it fails */
  async node(path: string, env: Record<string, string> = {}): Promise<string> {
    const { PATH, HOME } = process.env
    const { stdout } = await run(process.execPath, [path], { cwd: this.folder, env: { PATH, HOME, ...env } })
    return stdout
  }

  async remove(): Promise<void> {
    this.#pages.closeAllConnections()
    this.#pages.close()
    await rm(dirname(this.folder), { recursive: true, force: true })
  }

  async #serve({ url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = url === '/' ? 'index.html' : url.slice(1)
    const body = await readFile(join(this.folder, 'dist', path)).catch(() => undefined)
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8'
    response.writeHead(body ? 200 : 404, { 'content-type': type }).end(body)
  }
}
