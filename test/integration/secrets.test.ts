import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Client } from 'pg'
import { ApiClient, type TestUser } from '../support/api-client.ts'
import { ADMIN, testSettings } from '../support/app.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { startProcess } from '../support/processes.ts'

const PASSWORD = 'a password that nobody may ever read'
const KEY = 'sk-live-9f8e7d6c5b4a39281706f5e4d3c2b1a0'
const PLATFORM_KEY = 'sk-platform-0123456789abcdef0123456789'
const QUESTION = 'Is the merger with Aubergine still on?'
const ANSWER = 'The Aubergine papers are in the blue safe.'

describe('Secrets', function () {
  this.timeout(40_000)
  let database: TestDatabase
  let folder: string
  let llm: MockLlm
  let server: ReturnType<typeof startProcess>
  let api: ApiClient
  let user: TestUser
  const answers: string[] = []

  before(async () => {
    ;[database, llm, folder] = await Promise.all([
      createDatabase(),
      startMockLlm(),
      mkdtemp(join(tmpdir(), 'chatsparty-secrets-')),
    ])
    const env = {
      ...testSettings,
      DATABASE_URL: database.url,
      DATA_DIR: folder,
      LOG_LEVEL: 'trace',
      OPENAI_API_KEY: PLATFORM_KEY,
      OPENAI_BASE_URL: llm.baseUrl('openai'),
    }
    server = startProcess('workers/embedded.ts', { env })
    const [, url = ''] = await server.waitForLine(/listens on (http:\S+)/, 30_000)
    api = new ApiClient(url)

    // A life with everything in it that is nobody's business.
    const email = 'somebody@example.com'
    await api.post('/api/auth/register', { email, password: PASSWORD })
    user = await api.login(email, PASSWORD)
    await api.post('/api/auth/login', { email, password: `${PASSWORD}!` })
    const connection = { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible'), apiKey: KEY }
    const [agentId = ''] = await user.agentsOn(connection, ['Ada'])
    llm.replyOnce({ status: 401, error: { message: `Incorrect API key provided: ${KEY}.` } }).reply(ANSWER)
    const refused = await user.accept('/api/chat', { agentId, message: QUESTION })
    answers.push(JSON.stringify(await user.finished(refused.runId)))
    const accepted = await user.accept('/api/chat', { agentId, message: QUESTION })
    answers.push(JSON.stringify(await user.finished(accepted.runId)))
    const { data } = Object((await user.get('/api/connections')).body)
    answers.push(JSON.stringify(data))
    const admin = await api.login(ADMIN.email, ADMIN.password)
    for (const { id } of data) {
      // The platform's are tested by administrators only.
      for (const by of [user, admin]) {
        answers.push(JSON.stringify((await by.post(`/api/connections/${id}/test`, undefined)).body))
      }
    }
    // A query that fails, with words among its parameters.
    const client = new Client({ connectionString: database.url })
    await client.connect()
    await client.query('ALTER TABLE messages RENAME TO messages_away')
    const failed = await user.post('/api/chat', { agentId, message: QUESTION })
    expect(failed.status).to.equal(500)
    answers.push(JSON.stringify(failed.body))
    await client.query('ALTER TABLE messages_away RENAME TO messages')
    await client.end()
  })
  after(async () => {
    await server?.kill('SIGTERM')
    await Promise.all([llm?.stop(), database?.drop(), rm(folder, { recursive: true, force: true })])
  })

  it('reach the provider that they are for', () => {
    expect(llm.requests.filter(({ provider }) => provider === 'openai-compatible').map(({ key }) => key)).to.include(
      KEY,
    )
    expect(llm.requests.filter(({ provider }) => provider === 'openai').map(({ key }) => key)).to.include(PLATFORM_KEY)
  })

  it("are in no answer: of a key the last four characters, and of the platform's to users not even those", () => {
    const text = answers.join('\n')
    expect(text).to.contain('"apiKeyLast4":"b1a0"')
    for (const secret of [KEY, PLATFORM_KEY, PLATFORM_KEY.slice(-4), PASSWORD]) expect(text).not.to.contain(secret)
    expect(text).not.to.match(/argon2|apiKeySealed/)
  })

  it('are in no line of the log, however much it tells; nor is a word that was said', async () => {
    await server.waitForLine(/"request failed"/)
    const log = server.output
    expect(log.split('\n').length).to.be.greaterThan(15)
    expect(log, 'requests are told of by their ids')
      .to.contain(user.id)
      .and.to.match(/"requestId":"[0-9a-f-]{36}"/)
    const { JWT_SECRET, ENCRYPTION_KEYS } = testSettings
    const secrets = { KEY, PLATFORM_KEY, PASSWORD, QUESTION, ANSWER, JWT_SECRET, ENCRYPTION_KEYS, token: user.token }
    for (const [name, secret] of Object.entries({ ...secrets, admin: ADMIN.password }))
      expect(log.includes(secret), name).to.equal(false)
  })

  it('are unreadable in the database: keys sealed, passwords hashed, tokens not there at all', async () => {
    const client = new Client({ connectionString: database.url })
    await client.connect()
    const { rows: tables } = await client.query(
      `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    )
    let dump = ''
    for (const { name } of tables) dump += JSON.stringify((await client.query(`SELECT * FROM ${name}`)).rows)
    await client.end()
    expect(dump, 'what was said is there').to.contain(ANSWER)
    for (const secret of [KEY, PLATFORM_KEY, PASSWORD, user.token, ADMIN.password])
      expect(dump.includes(secret), `${secret.slice(0, 6)}...`).to.equal(false)
    expect(dump).to.contain('$argon2id$')
  })
})
