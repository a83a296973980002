import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../..')
const manifest = z.object({ exports: z.object({ './client': z.object({ types: z.string(), default: z.string() }) }) })

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

describe('chatsparty/client', function () {
  this.timeout(60_000)
  let dist: string
  before('build', async () => {
    dist = await mkdtemp(join(tmpdir(), 'client-package-'))
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', dist], {
      cwd: ROOT,
    })
  })
  after(() => rm(dist, { recursive: true, force: true }))

  it('is built where the package says, with types', async () => {
    const { exports } = manifest.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')))
    const built = (path: string) => join(dist, path.replace('./dist/', ''))
    expect(await readFile(built(exports['./client'].types), 'utf8')).to.include('class ChatspartyClient')
    expect(await readFile(built(exports['./client'].default), 'utf8')).to.include('class ChatspartyClient')
  })

  it('imports only its own files, socket.io-client and zod, and nothing that only Node has', async () => {
    const { files, packages } = await importsOf(join(dist, 'src/client/client.js'))
    expect([...packages].toSorted()).to.deep.equal(['socket.io-client', 'zod'])
    expect([...files.keys()].map((path) => path.slice(dist.length + 1)).toSorted()).to.deep.equal([
      'src/client/client.js',
      'src/client/conversation-view.js',
      'src/client/follower.js',
      'src/client/live-connection.js',
      'src/client/live-link.js',
      'src/client/rest.js',
      'src/contract/events.js',
      'src/contract/inputs.js',
      'src/contract/views.js',
    ])
    for (const [path, source] of files) expect(withoutComments(source), path).not.to.match(NODE_GLOBALS)
  })
})
