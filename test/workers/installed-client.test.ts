import { stat } from 'node:fs/promises'
import { expect } from 'chai'
import { z } from 'zod'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { FrontEnd } from '../support/front-end.ts'
import { startNpm, type TestProcess } from '../support/processes.ts'

/** What somebody writes first: an account, the agents that are there, a party, its words. */
const PARTY = `
import { ApiError, type Change, ChatspartyClient } from 'chatsparty/client'

export async function holdParty(url: string): Promise<string[]> {
  const client = new ChatspartyClient({ url })
  try {
    await client.register({ email: \`\${crypto.randomUUID()}@example.com\`, password: 'correct horse battery' })
    const agentIds = (await client.agents()).slice(0, 2).map(({ id }) => id)
    const { conversationId, runId } = await client.startParty({ agentIds, message: 'Tea or coffee?', maxTurns: 2 })
    const said = new Map<number, string>()
    for await (const change of client.follow(conversationId, { untilRun: runId })) hear(said, change)
    const { status } = await client.run(runId)
    const page = await client.conversation(conversationId)
    const stored = page.messages.data.filter(({ role }) => role === 'agent').map(({ content }) => content)
    if (JSON.stringify(stored) !== JSON.stringify([...said.values()])) throw new Error('what was heard is not what is stored')
    const missing = await client.run(conversationId).catch((error: unknown) => error)
    if (!(missing instanceof ApiError)) throw new Error('a run that is none')
    return [status, String(missing.status), missing.code, ...stored]
  } finally {
    client.close()
  }
}

function hear(said: Map<number, string>, change: Change): void {
  if (change.type === 'turn.reset') said.set(change.turn, '')
  if (change.type === 'turn.text') said.set(change.turn, (said.get(change.turn) ?? '') + change.text)
}
`
const WRONG = `
import { ChatspartyClient } from 'chatsparty/client'
const client = new ChatspartyClient({ url: '' })
// @ts-expect-error An agent has no such field.
client.createAgent({ name: 'Ada', instructions: 'You are Ada.', mood: 'good' })
// @ts-expect-error Nobody speaks.
client.chat({ message: 'Hello' })
`
const MAIN = `
import { holdParty } from './party.ts'
document.body.append(...(await holdParty('http://localhost:4000')))
`
const RUN = `
import { holdParty } from './party.ts'
console.log(JSON.stringify(await holdParty(process.env.API)))
`

describe('The client that is packed and installed into an empty front end', function () {
  this.timeout(120_000)
  let app: FrontEnd
  let database: TestDatabase
  let server: TestProcess

  before('npm pack, npm install, npm start', async () => {
    database = await createDatabase()
    const env = { PORT: '0', NODE_ENV: 'development', DATABASE_URL: database.url, DEMO_WORDS_PER_MINUTE: '60000' }
    server = startNpm(['start', '--silent'], { env })
    app = await FrontEnd.withClient()
    await app.write({
      'src/party.ts': PARTY,
      'src/wrong.ts': WRONG,
      'src/main.ts': MAIN,
      'src/run.mjs': RUN,
      'index.html': '<body><script type="module" src="/src/main.ts"></script></body>',
    })
  })
  after(async () => {
    await server?.kill()
    await Promise.all([database?.drop(), app?.remove()])
  })

  it('is small, and brings zod and socket.io-client with what those need, and nothing else', async () => {
    const { size } = await stat(app.tarball)
    expect(size).to.be.lessThan(64 * 1024)
    const packages = await app.packages()
    expect(packages).to.include.members(['chatsparty', 'zod', 'socket.io-client'])
    expect(packages.length, packages.join(' ')).to.be.lessThan(15)
  })

  it('has types that hold, of its own and of what it takes', async () => {
    expect(await app.typecheck()).to.equal('')
  })

  it('is built into a page by Vite', async () => {
    expect((await app.build()).filter((path) => path.endsWith('.js'))).to.have.length(1)
  })

  it('has a live party, word for word as it is stored', async () => {
    const [, url = ''] = await server.waitForLine(/listens on (http:\S+)/)
    const [status, missing, code, ...said] = z
      .array(z.string())
      .parse(JSON.parse(await app.node('src/run.mjs', { API: url })))
    expect([status, missing, code]).to.deep.equal(['completed', '404', 'run.not_found'])
    expect(said).to.have.length(2)
  })
})
