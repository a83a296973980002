import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { z } from 'zod'
import { placeUntyped } from '../../workers/file-parsing/untyped-modules.ts'
import { pdf, xlsx } from '../support/file-corpus.ts'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('../../workers/file-parsing/child.ts', import.meta.url))
const PACKAGE = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//
/** Says at its end which modules a process has loaded, and which of Node's own. */
const TELL = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'
const loaded = []
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
process.on('exit', () => writeSync(2, JSON.stringify({ loaded, builtin: process.moduleLoadList })))`)}`
const told = z.object({ loaded: z.array(z.string()), builtin: z.array(z.string()) })

describe('The process that reads one file', function () {
  this.timeout(60_000)
  let folder: string
  let ours: Set<string>
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatsparty-test-'))
    const { dependencies } = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')))
    ours = new Set(Object.keys(dependencies))
  })
  after(() => rm(folder, { recursive: true }))

  /** The packages of ours that reading a file loads, how many modules of our own, and what of Node. */
  async function loadedFor(name: string, content: Buffer | string) {
    const path = join(folder, 'input')
    await writeFile(path, content)
    const first = (await placeUntyped(folder)) ?? ''
    const limits = { maxPages: 10, maxTextChars: 10_000, maxUnpackedBytes: 1_000_000, maxWholeBytes: 1_000_000 }
    const request = JSON.stringify({ path, folder, name, contentType: '', ...limits })
    const args = ['--no-warnings', '--import', first, '--import', TELL, CHILD, request]
    const { stdout, stderr } = await run(process.execPath, args, { env: {} })
    const { loaded, builtin } = told.parse(JSON.parse(stderr))
    const files = loaded.filter((url) => url.startsWith('file:'))
    const packages = new Set(files.flatMap((url) => PACKAGE.exec(url)?.[1] ?? []).filter((one) => ours.has(one)))
    return {
      answer: stdout,
      packages: [...packages].sort(),
      own: files.filter((url) => !PACKAGE.test(url)).length,
      builtin,
    }
  }

  it('loads for a text what texts need, and nothing that reads other kinds', async () => {
    const { answer, packages, own, builtin } = await loadedFor('a.txt', 'The tide rises at noon. '.repeat(40))
    expect(answer).to.include('"type":"done"')
    expect(packages).to.deep.equal(['franc'])
    expect(own).to.be.at.most(20)
    // Node's client, 30 ms, for what is taken away, and what takes types out of modules, 100 ms.
    expect(builtin.filter((module) => /undici|amaro/.test(module))).to.deep.equal([])
  })

  it('loads for another kind what reads that kind', async () => {
    const sheet = await loadedFor('a.xlsx', xlsx('Tides', [['Day'], [1.5]]))
    expect(sheet.packages).to.deep.equal(['entities', 'franc', 'htmlparser2', 'numfmt', 'yauzl'])
    const page = await loadedFor('a.pdf', pdf(['Tides']))
    expect(page.packages).to.deep.equal(['@napi-rs/canvas', 'franc', 'pdfjs-dist', 'zod'])
  })

  it('loads no reader for what it refuses', async () => {
    const { answer, packages } = await loadedFor('a.txt', '\x7fELF\0\0')
    expect(answer).to.include('file.executable')
    expect(packages).to.deep.equal([])
  })
})
