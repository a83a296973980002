import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { expect } from 'chai'
import { openPromise } from 'yauzl'
import { ADA, apiKey, party } from '../architecture/route-table.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'

const MESSAGES = 3_000
const KEY = 'sk-secret-of-mine-0123456789'

describe('An export of an account', function () {
  this.timeout(180_000)
  const app = useApp()
  let folder: string
  let user: TestUser
  let admin: TestUser
  let long: string
  let fileId: string
  let secret: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatsparty-export-'))
    admin = await app.api.login(ADMIN.email, ADMIN.password)
    user = await app.api.register()
    await user.create('/api/connections', { name: 'Mine', provider: 'openai', model: 'gpt-5', apiKey: KEY })
    const cleo = await user.create('/api/agents', { name: 'Cleo', instructions: 'You are Cleo.' })
    const entry = await user.create('/api/gallery', { kind: 'agent', id: cleo, authorName: 'Me' })
    await admin.post(`/api/gallery/${entry}/import`, {})
    await user.create('/api/mcp/servers', { name: 'Tools', url: 'http://127.0.0.1:9/mcp' })
    await user.create('/api/webhooks', { url: 'http://127.0.0.1:9/hook', events: ['run.completed'] })
    await user.create('/api/parties', party)
    secret = (await user.apiKey(apiKey)).key
    fileId = await user.upload('notes.txt', 'text/plain', 'What I noted.')
    const said = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await user.finished(said.runId)
    await user.post('/v1/responses', { model: ADA, input: 'Hello', background: true, metadata: { note: 'mine' } })
    long = (await user.accept('/api/chat', { agentId: ADA, message: 'And a long one' })).conversationId
    // Ten kilobytes each: thirty megabytes in all.
    await app.container.db.query(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status)
       SELECT gen_random_uuid(), $1, n + 1000, 'user', 'message ' || n || ' ' || (SELECT string_agg(md5(n || '-' || i), '') FROM generate_series(1, 320) AS i), 'complete' FROM generate_series(1, $2) AS n`,
      [long, MESSAGES],
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const request = async (token: string, id = user.id) => {
    const [response] = await once(
      get(`${app.url}/api/users/${id}/export`, { headers: { authorization: `Bearer ${token}` } }),
      'response',
    )
    return response
  }
  const download = async (token: string) => {
    const response = await request(token)
    expect(response.statusCode).to.equal(200)
    expect(response.headers['content-type']).to.equal('application/zip')
    const path = join(folder, `${Math.random()}.zip`)
    await pipeline(response, createWriteStream(path))
    return path
  }
  const entriesOf = async (path: string) => {
    const zip = await openPromise(path)
    const entries = new Map<string, string>()
    for await (const entry of zip.eachEntry())
      entries.set(entry.fileName, await text(await zip.openReadStreamPromise(entry)))
    return entries
  }

  it('has every row, as JSON and to be read, the files as they are, and no secret', async () => {
    const entries = await entriesOf(await download(user.token))
    const json = (name: string) => JSON.parse(entries.get(name) ?? '')
    expect(json('profile.json')).to.have.length(1)
    expect(json('profile.json')[0]).to.include({ id: user.id, email: user.email })
    expect(json('connections.json')[0]).to.include({ name: 'Mine', model: 'gpt-5' })
    for (const [name, table] of [
      ['agents', 'agents'],
      ['door-threads', 'door_threads'],
      ['sessions', 'sessions'],
      ['keys', 'api_keys'],
      ['parties', 'parties'],
      ['gallery', 'gallery_entries'],
      ['gallery-imports', 'gallery_imports'],
      ['mcp-servers', 'mcp_servers'],
      ['webhooks', 'webhooks'],
      ['credits/entries', 'ledger_entries'],
      ['credits/calls', 'metered_calls'],
      ['runs', 'runs'],
      ['files', 'files'],
    ]) {
      const [{ n }] = await app.container.db.query(`SELECT count(*)::int AS n FROM ${table} WHERE user_id = $1`, [
        user.id,
      ])
      expect(json(`${name}.json`), name).to.have.length(n)
    }
    expect(json('audit.json').map(({ action }: { action: string }) => action)).to.include.members([
      'user.registered',
      'connection.created',
    ])
    const names = [...entries.keys()].filter((name) => name.startsWith('conversations/'))
    expect(names).to.have.length(6)
    const whole = names.find((name) => name.endsWith(`${long}.json`)) ?? ''
    const { conversation, messages } = json(whole)
    expect(conversation).to.include({ id: long })
    const [{ n }] = await app.container.db.query('SELECT count(*)::int AS n FROM messages WHERE conversation_id = $1', [
      long,
    ])
    expect(messages).to.have.length(n)
    const readable = entries.get(whole.replace('.json', '.md')) ?? ''
    for (const nth of [1, 2_000, MESSAGES]) expect(readable).to.include(`\n> message ${nth} `)
    expect(entries.get(`files/${fileId}/notes.txt`)).to.equal('What I noted.')
    const all = [...entries.values()].join('\n')
    expect(all).not.to.include(KEY)
    expect(all).not.to.include(secret.slice(11))
    expect(all).not.to.match(/argon2|_sealed"|_hash"|_token"/)
  })

  it('is read as it is taken: a client that takes nothing has next to nothing made for it', async () => {
    const response = await request(user.token)
    // What is on its way fits into buffers; thirty megabytes, packed into half of it, twice, do not.
    const fetched = async (): Promise<number> => {
      const [row] = await app.container.db.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE 'FETCH%'`,
      )
      return row.n
    }
    // It waits for its reader in the middle of the rows, and would for ever.
    await eventually(async () => (await fetched()) === 1)
    const second = await user.get(`/api/users/${user.id}/export`)
    expect([second.status, errorOf(second).code]).to.deep.equal([409, 'users.export_running'])
    response.destroy()
    // Whoever hangs up keeps neither a snapshot nor the next one from beginning.
    for (;;) {
      const next = await request(user.token)
      if (next.statusCode === 409) {
        next.resume()
        continue
      }
      let bytes = 0
      for await (const piece of next) bytes += piece.length
      expect(bytes).to.be.greaterThan(20 * 1_048_576)
      break
    }
    expect(await fetched()).to.equal(0)
  })

  it("is its owner's, and administrators', who are recorded", async () => {
    const stranger = await app.api.register()
    expect((await stranger.get(`/api/users/${user.id}/export`)).status).to.equal(404)
    const path = await download(admin.token)
    expect((await stat(path)).size).to.be.greaterThan(1_000)
    const recorded = await app.container.db.query(
      `SELECT actor_id AS "actorId" FROM audit_entries WHERE action = 'user.exported' AND target_id = $1 ORDER BY created_at DESC LIMIT 1`,
      [user.id],
    )
    expect(recorded).to.deep.equal([{ actorId: admin.id }])
  })
})
