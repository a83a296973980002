import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../..')
const manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  exports: z.object({ './client': z.object({ types: z.string(), default: z.string() }) }),
  dependencies: z.record(z.string(), z.string()),
})

/** What only Node has; a browser would end with a ReferenceError. */
const NODE_GLOBALS = /\b(process|Buffer|setImmediate|clearImmediate|__dirname|__filename|require|global)\b(?=[.([])/

/** Every file that `entry` imports for what it does (types are gone in the build), and every package. */
async function importsOf(entry: string): Promise<{ files: Map<string, string>; packages: Set<string> }> {
  const files = new Map<string, string>()
  const packages = new Set<string>()
  const queue = [entry]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (files.has(path)) continue
    const source = await readFile(path, 'utf8')
    files.set(path, source)
    for (const [, from = ''] of source.matchAll(/^(?:import|export)\s(?:[^'"=()]*\sfrom\s)?['"]([^'"]+)['"];?$/gm)) {
      if (from.startsWith('.')) queue.push(resolve(dirname(path), from))
      else packages.add(from)
    }
    expect(source, path).not.to.match(/\bimport\s*\(/)
  }
  return { files, packages }
}

const withoutComments = (source: string) => source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(ROOT, path), 'utf8'))

describe('chatsparty/client', function () {
  this.timeout(60_000)
  let dist: string
  before('build', async () => {
    dist = await mkdtemp(join(tmpdir(), 'client-package-'))
    await promisify(execFile)(
      join(ROOT, 'node_modules/.bin/tsc'),
      ['-p', 'src/client/tsconfig.build.json', '--outDir', dist],
      { cwd: ROOT },
    )
  })
  after(() => rm(dist, { recursive: true, force: true }))

  it('is built where the package says, with types, and in the repository too', async () => {
    const built = (path: string) => readFile(join(dist, path.replace('./dist/', '')), 'utf8')
    const { exports } = manifest.parse(await readJson('src/client/package.json'))
    expect(await built(exports['./client'].types)).to.include('class ChatspartyClient')
    expect(await built(exports['./client'].default)).to.include('class ChatspartyClient')
    const root = manifest.parse(await readJson('package.json'))
    for (const kind of ['types', 'default'] as const) {
      expect(root.exports['./client'][kind]).to.equal(exports['./client'][kind].replace('./', './src/client/'))
    }
  })

  it('imports only its own files, socket.io-client and zod, and nothing that only Node has', async () => {
    const { files, packages } = await importsOf(join(dist, 'client/client.js'))
    expect([...packages].toSorted()).to.deep.equal(['socket.io-client', 'zod'])
    for (const [path, source] of files) expect(withoutComments(source), path).not.to.match(NODE_GLOBALS)
    const folders = new Set([...files.keys()].map((path) => relative(dist, path).split('/')[0]))
    expect([...folders].toSorted()).to.deep.equal(['client', 'contract'])
  })

  it('asks for the packages that it is tested with, under the version and license of the whole', async () => {
    const [own, whole] = (await Promise.all(['src/client/package.json', 'package.json'].map(readJson))).map((json) =>
      manifest.parse(json),
    )
    // A caret: who has a newer one already needs no second.
    const tested = ['socket.io-client', 'zod'].map((name) => [name, `^${whole?.dependencies[name]}`])
    expect(own?.dependencies).to.deep.equal(Object.fromEntries(tested))
    expect([own?.name, own?.version, own?.license]).to.deep.equal([whole?.name, whole?.version, whole?.license])
    const licenses = await Promise.all(
      ['src/client/LICENSE', 'LICENSE'].map((path) => readFile(join(ROOT, path), 'utf8')),
    )
    expect(licenses[0]).to.equal(licenses[1])
  })
})
