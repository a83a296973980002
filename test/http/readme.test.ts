import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { z } from 'zod'
import { messageView } from '../../src/contract/views.ts'
import { useApp } from '../support/app.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'

const run = promisify(execFile)
const page = z.object({ messages: z.object({ data: z.array(messageView) }) })
const README = new URL('../../README.md', import.meta.url)

describe('The walk by curl in the README', () => {
  let llm: MockLlm
  const app = useApp()
  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())

  it('leads from an account to what was said, and again when it is pasted a second time', async function () {
    this.timeout(60_000)
    const walk = /^## By curl\n\n```sh\n(.*?)^```$/ms.exec(await readFile(README, 'utf8'))?.[1] ?? ''
    const script = walk
      .replace('http://localhost:4000', app.url)
      .replace('http://localhost:11434/v1', llm.baseUrl('openai-compatible'))
    expect(script).to.include(app.url).and.include(llm.baseUrl('openai-compatible'))
    llm.reply('I see.')
    for (const time of ['first', 'second']) {
      const { stdout } = await run('bash', ['-c', script], { env: { PATH: process.env.PATH } })
      expect(stdout, time)
        .to.match(/^\{"ok":true/)
        .and.include('event: run.completed')
      const { messages } = page.parse(JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)))
      expect(messages.data.map(({ agentName }) => agentName)).to.deep.equal([null, 'Uma', 'Otto', 'Uma', 'Otto'])
    }
  })
})

describe("The script with OpenAI's client in the README", () => {
  const app = useApp()

  it('has an agent of a new installation speak, without a key of a provider, and again the second time', async function () {
    this.timeout(60_000)
    const script = /^## With OpenAI's client\n.*?^```js\n(.*?)^```$/ms.exec(await readFile(README, 'utf8'))?.[1] ?? ''
    expect(script.trim().split('\n')).to.have.length.at.most(10)
    // In the folder of the tests, where its import finds what is installed.
    const file = new URL(`./openai-script-${randomUUID()}.tmp.mjs`, import.meta.url)
    await writeFile(file, script.replace('http://localhost:4000', app.url))
    try {
      for (const time of ['first', 'second']) {
        const { stdout, stderr } = await run(process.execPath, [file.pathname], { env: { PATH: process.env.PATH } })
        expect(stderr, time).to.equal('')
        expect(stdout.trim(), time).to.not.equal('')
      }
    } finally {
      await rm(file)
    }
  })
})
