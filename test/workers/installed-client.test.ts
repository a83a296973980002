import { readFile, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { z } from 'zod'
import { startBrowser } from '../support/browser.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { FrontEnd } from '../support/front-end.ts'
import { startNpm, type TestProcess } from '../support/processes.ts'

const README = new URL('../../src/client/README.md', import.meta.url)
const FILE_BYTES = 300_000

/** What somebody writes first: an account, agents that are there, a file, a party, its words. */
const PARTY = `
import { ApiError, type Change, ChatspartyClient, isTerminal, type Progress } from 'chatsparty/client'

export async function holdParty(url: string): Promise<object> {
  const client = new ChatspartyClient({ url })
  try {
    await client.register({ email: \`\${crypto.randomUUID()}@example.com\`, password: 'correct horse battery' })
    const { data } = await client.agents.list()
    const agentIds = data.slice(0, 2).map(({ id }) => id)
    const progress: Progress[] = []
    const note = new File(['x'.repeat(${FILE_BYTES})], 'note.txt', { type: 'text/plain' })
    const { size } = await client.files.upload(note, { onProgress: (step) => progress.push(step) })
    const { conversationId, runId } = await client.startParty({ agentIds, message: 'Tea or coffee?', maxTurns: 2 })
    const heard = new Map<number, string>()
    const follower = client.follow(conversationId, { untilRun: runId })
    for await (const change of follower) hear(heard, change)
    const { status } = await client.runs.get(runId)
    const page = await client.conversations.get(conversationId)
    const stored = page.messages.data.filter(({ role }) => role === 'agent').map(({ content }) => content)
    const error = await client.runs.get(conversationId).catch((error: unknown) => error)
    return {
      isOver: isTerminal(status),
      activeRun: follower.state.conversation?.activeRun,
      size,
      progress: progress.at(-1),
      heard: [...heard.values()],
      stored,
      missing: error instanceof ApiError ? [error.status, error.code, typeof error.requestId] : error,
    }
  } finally {
    client.close()
  }
}

function hear(heard: Map<number, string>, change: Change): void {
  if (change.type === 'turn.reset') heard.set(change.turn, '')
  if (change.type === 'turn.text') heard.set(change.turn, (heard.get(change.turn) ?? '') + change.text)
}
`
const WRONG = `
import { ChatspartyClient } from 'chatsparty/client'
const client = new ChatspartyClient({ url: '' })
// @ts-expect-error An agent has no such field.
client.agents.create({ name: 'Ada', instructions: 'You are Ada.', mood: 'good' })
// @ts-expect-error Nobody speaks.
client.chat({ message: 'Hello' })
`
const MAIN = `
import { holdParty } from './party.ts'
const said = await holdParty(location.hash.slice(1)).catch((error: unknown) => ({ error: String(error) }))
document.body.append(Object.assign(document.createElement('pre'), { textContent: JSON.stringify(said) }))
`
const RUN = `
import { holdParty } from './party.ts'
console.log(JSON.stringify(await holdParty(process.env.API)))
`
const held = z.strictObject({
  isOver: z.literal(true),
  activeRun: z.null(),
  size: z.literal(FILE_BYTES),
  progress: z.object({ sent: z.number().min(FILE_BYTES), total: z.number().min(FILE_BYTES) }),
  heard: z.array(z.string().min(1)).length(2),
  stored: z.array(z.string()),
  missing: z.tuple([z.literal(404), z.literal('run.not_found'), z.literal('string')]),
})

describe('The client that is packed and installed into an empty front end', function () {
  this.timeout(120_000)
  let app: FrontEnd
  let database: TestDatabase
  let server: TestProcess
  let url: string
  let tour: string

  before('npm pack, npm install, npm start', async () => {
    database = await createDatabase()
    app = await FrontEnd.withClient()
    const env = { PORT: '0', NODE_ENV: 'development', DATABASE_URL: database.url, DEMO_WORDS_PER_MINUTE: '60000' }
    server = startNpm(['start', '--silent'], { env: { ...env, CORS_ORIGINS: app.origin } })
    url = (await server.waitForLine(/listens on (http:\S+)/))[1] ?? ''
    tour = [...(await readFile(README, 'utf8')).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join('\n')
    await app.write({
      'src/party.ts': PARTY,
      'src/wrong.ts': WRONG,
      'src/main.ts': MAIN,
      'src/run.mjs': RUN,
      'src/tour.ts': tour.replace('http://localhost:4000', url),
      'index.html': '<!doctype html><body><script type="module" src="/src/main.ts"></script></body>',
    })
  })
  after(async () => {
    await server?.kill()
    await Promise.all([database?.drop(), app?.remove()])
  })

  it('is small, and brings zod and socket.io-client with what those need, and nothing else', async () => {
    const { size } = await stat(app.tarball)
    expect(size).to.be.lessThan(96 * 1024)
    const packages = await app.packages()
    expect(packages).to.include.members(['chatsparty', 'zod', 'socket.io-client'])
    expect(packages.length, packages.join(' ')).to.be.lessThan(15)
  })

  it('has types that hold, of its own and of what it takes', async () => {
    expect(await app.typecheck()).to.equal('')
  })

  it('has a live party in Node, word for word as it is stored, and a file on its way there', async () => {
    const { heard, stored } = held.parse(JSON.parse(await app.node('src/run.mjs', { API: url })))
    expect(heard).to.deep.equal(stored)
  })

  it('has the same in a browser, on a page that Vite has built', async function () {
    const browser = await startBrowser(this)
    try {
      expect((await app.build()).filter((path) => path.endsWith('.js'))).to.have.length(1)
      const page = await browser.newPage()
      await page.goto(`${app.origin}/#${url}`)
      const { heard, stored } = held.parse(JSON.parse((await page.textContent('pre')) ?? ''))
      expect(heard).to.deep.equal(stored)
    } finally {
      await browser.close()
    }
  })

  it('does all that its README tells, from the first line to the last, and comes to an end', async () => {
    const output = await app.node('src/tour.ts')
    expect(output).to.match(/^Uma:$/m)
    expect(output).to.match(/^completed max_turns \d+\.\d{6}$/m)
    expect(output).to.match(/^(\d+) of \1$/m)
    expect(output).to.include('Otto drinks nine cups a day.')
    expect(output).to.match(/^400 request\.invalid \[/m)
  })
})
