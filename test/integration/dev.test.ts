import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { startProcess, type TestProcess } from '../support/processes.ts'

/** Says that it is up, with the word of another file, and needs a moment to end; two of it at once would be told apart by the lock. */
const PROGRAM = `
import { rmSync, writeFileSync } from 'node:fs'
import { word } from './src/word.ts'
writeFileSync(import.meta.dirname + '/lock', '', { flag: 'wx' })
setInterval(() => {}, 60_000)
process.on('SIGTERM', () => setTimeout(() => {
  rmSync(import.meta.dirname + '/lock')
  console.log('ended in good order')
  process.exit(0)
}, 100))
console.log('up with', word)
`

describe('npm run dev', () => {
  let home: string
  let dev: TestProcess
  const word = (name: string, text: string) => writeFile(join(home, name), `export const word = '${text}'\n`)

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'dev-'))
    await mkdir(join(home, 'src'))
    await word('src/word.ts', 'tea')
    await writeFile(join(home, 'program.ts'), PROGRAM)
    dev = startProcess('workers/dev.ts', { args: [join(home, 'program.ts'), join(home, 'src')] })
    await dev.waitForLine(/^up with tea$/)
  })
  afterEach(async () => {
    await dev.kill('SIGTERM')
    await rm(home, { recursive: true, force: true })
  })

  it('starts again for every save, also for those that put another file in the place of the old one', async () => {
    await word('src/word.ts', 'coffee')
    await dev.waitForLine(/^up with coffee$/)
    for (const saved of ['cocoa', 'water', 'milk']) {
      await word('beside.ts', saved)
      await rename(join(home, 'beside.ts'), join(home, 'src/word.ts'))
      await dev.waitForLine(new RegExp(`^up with ${saved}$`))
    }
    expect(dev.output.match(/^ended in good order$/gm)).to.have.length(4)
    expect(dev.output).not.to.include('EEXIST')
  })

  it('waits for the next save after a mistake', async () => {
    await writeFile(join(home, 'src/word.ts'), 'export const word = (\n')
    await dev.waitForLine(/ended with code 1: the next save starts it again/)
    await word('src/word.ts', 'right again')
    await dev.waitForLine(/^up with right again$/)
  })

  it('ends with the program', async () => {
    expect(await dev.kill('SIGTERM')).to.deep.equal({ code: 0, signal: null })
    expect(dev.output).to.match(/ended in good order$/)
  })
})
