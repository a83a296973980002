import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { agentView } from '../../src/contract/agent-views.ts'
import { galleryEntryView, importedView, wholeGalleryEntryView } from '../../src/contract/gallery-views.ts'
import { listOf, partyView } from '../../src/contract/views.ts'
import { ADA } from '../architecture/route-table.ts'
import { type Answer, errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { whileUncommitted } from '../support/race.ts'

const pageOf = listOf(galleryEntryView)
const agent = {
  name: 'Nora',
  instructions: 'You are Nora, who doubts.',
  characteristics: 'dry',
  chatStyle: { friendliness: 'low', humor: 'high', formality: 'medium', verbosity: 'low' },
  temperature: 0.4,
  avatar: '🦉',
  color: '#4f46e5',
}
const refusal = (answer: Answer): [number, string] => [answer.status, errorOf(answer).code]

describe('The gallery', () => {
  const app = useApp({ worker: false })
  let author: TestUser
  let reader: TestUser
  let admin: TestUser
  before(async () => {
    admin = await app.api.login(ADMIN.email, ADMIN.password)
  })
  beforeEach(async () => {
    ;[author, reader] = await Promise.all([app.api.register(), app.api.register()])
  })

  const publish = async (by: TestUser, body: object) => {
    const answer = await by.post('/api/gallery', { authorName: 'Ada L.', ...body })
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
    return wholeGalleryEntryView.parse(answer.body)
  }
  const published = async (by: TestUser, change: object = {}, said: object = {}) =>
    publish(by, { kind: 'agent', id: await by.create('/api/agents', { ...agent, ...change }), ...said })
  const listed = async (by: TestUser, query: string) => pageOf.parse((await by.get(`/api/gallery?${query}`)).body)
  const imported = async (by: TestUser, id: string, body: object = {}, headers?: Record<string, string>) => {
    const answer = await by.post(`/api/gallery/${id}/import`, body, headers)
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
    return importedView.parse(answer.body)
  }

  it('shows a copy: what its author changes later shows when it is published again', async () => {
    const id = await author.create('/api/agents', agent)
    const entry = await publish(author, { kind: 'agent', id, description: 'She doubts.', tags: ['Doubt', 'doubt'] })
    expect(entry).to.deep.include({ name: 'Nora', tags: ['doubt'], mine: true, sourceId: id, imports: 0, party: null })
    expect(entry.agents).to.deep.equal([{ ...agent, platformAgentId: null }])
    await author.put(`/api/agents/${id}`, { instructions: 'You are Nora, who believes.', name: 'Norah' })
    const seen = async () => wholeGalleryEntryView.parse((await reader.get(`/api/gallery/${entry.id}`)).body)
    const { mine, sourceId, agents, revision } = await seen()
    expect([mine, sourceId]).to.deep.equal([false, null])
    expect(agents[0]?.instructions).to.equal(agent.instructions)
    const again = await author.put(`/api/gallery/${entry.id}`, { tags: [] })
    expect(again.body).to.deep.include({ id: entry.id, name: 'Norah', description: 'She doubts.', tags: [] })
    expect((await seen()).agents[0]?.instructions).to.equal('You are Nora, who believes.')
    expect((await seen()).revision).not.to.equal(revision)
    // And it stays when the agent is gone, but cannot be published again.
    await author.delete(`/api/agents/${id}`)
    expect((await seen()).name).to.equal('Norah')
    expect(refusal(await author.put(`/api/gallery/${entry.id}`, {}))).to.deep.equal([404, 'agent.not_found'])
  })

  it('gives away nothing of the account: no address, connection, model or id of anything', async () => {
    const connectionId = await author.create('/api/connections', {
      name: 'Mine',
      provider: 'demo',
      model: 'secret-model',
    })
    const change = {
      connectionId,
      model: 'secret-model',
      fallbackConnectionId: connectionId,
      fallbackModel: 'secret-model',
    }
    const entry = await published(author, change, { description: 'Mine' })
    const answers = [`/api/gallery/${entry.id}`, '/api/gallery'].map((path) => reader.get(path))
    const said = JSON.stringify((await Promise.all(answers)).map(({ body }) => body))
    expect(said).to.include(entry.id)
    for (const secret of [author.email, author.id, connectionId, 'secret-model', entry.sourceId ?? '']) {
      expect(said).not.to.include(secret)
    }
    expect((await author.post('/api/gallery', { kind: 'agent', id: ADA, authorName: author.email })).status).to.equal(
      400,
    )
  })

  it("publishes one's own alone, once each, and never the platform's", async () => {
    const mine = await author.create('/api/agents', agent)
    const party = await author.create('/api/parties', { name: 'Salon', agentIds: [mine, ADA] })
    for (const [kind, id] of [
      ['agent', mine],
      ['party', party],
    ]) {
      const answer = await reader.post('/api/gallery', { kind, id, authorName: 'R' })
      expect(refusal(answer)).to.deep.equal([404, `${kind}.not_found`])
    }
    const platforms = await admin.post('/api/gallery', { kind: 'agent', id: ADA, authorName: 'R' })
    expect(refusal(platforms)).to.deep.equal([404, 'agent.not_found'])
    const both = await Promise.all(
      [1, 2].map(() => author.post('/api/gallery', { kind: 'agent', id: mine, authorName: 'A' })),
    )
    expect(both.map(({ status }) => status).toSorted()).to.deep.equal([201, 409])
    expect(both.filter(({ status }) => status === 409).map((one) => errorOf(one).code)).to.deep.equal([
      'gallery.published',
    ])
    await author.delete(`/api/agents/${mine}`)
    const gone = await author.post('/api/gallery', { kind: 'party', id: party, authorName: 'A' })
    expect(refusal(gone)).to.deep.equal([409, 'party.agents_gone'])
  })

  it("is its author's to change and to unpublish; others are told that there is nothing of theirs", async () => {
    const entry = await published(author)
    for (const other of [reader, admin]) {
      expect(refusal(await other.put(`/api/gallery/${entry.id}`, {}))).to.deep.equal([404, 'gallery.not_found'])
      expect(refusal(await other.delete(`/api/gallery/${entry.id}`))).to.deep.equal([404, 'gallery.not_found'])
    }
    expect((await author.delete(`/api/gallery/${entry.id}`)).status).to.equal(204)
    expect(refusal(await reader.get(`/api/gallery/${entry.id}`))).to.deep.equal([404, 'gallery.not_found'])
    expect(refusal(await reader.post(`/api/gallery/${entry.id}/import`, {}))).to.deep.equal([404, 'gallery.not_found'])
  })

  describe('imports', () => {
    it("an agent as one's own, that speaks by one's default connection", async () => {
      const tools = [{ name: 'web_fetch', policy: 'allow' }]
      const entry = await published(author, { maxOutputTokens: 100_000, reasoningEffort: 'high', tools })
      const { agents, party } = await imported(reader, entry.id, { revision: entry.revision })
      expect(party).to.equal(null)
      const own = agentView.parse((await reader.get(`/api/agents/${agents[0]?.id}`)).body)
      expect(own).to.deep.include({ ...agent, scope: 'user', connectionId: null, model: null, maxOutputTokens: null })
      expect(own.reasoningEffort).to.equal(null)
      expect(own.tools).to.deep.equal([])
      // A second time it is another one, with another name; who imports it twice is counted once, and its author never.
      expect((await imported(reader, entry.id)).agents[0]?.name).to.equal('Nora 2')
      await imported(author, entry.id)
      expect((await listed(reader, 'mine=true')).data).to.deep.equal([])
      expect(wholeGalleryEntryView.parse((await reader.get(`/api/gallery/${entry.id}`)).body).imports).to.equal(1)
    })

    it('a party with its agents, that can be talked with at once; those of the platform are shared while they are the same', async () => {
      const nora = await author.create('/api/agents', agent)
      const stop = { maxRounds: 2, maxCredits: '5.000000', maxSeconds: 60, phrase: 'done' }
      const terms = { strategy: 'panel', maxTurns: 4, stop }
      const id = await author.create('/api/parties', { name: 'Salon', agentIds: [nora, ADA], ...terms })
      const entry = await publish(author, { kind: 'party', id })
      expect(entry.party).to.deep.equal(terms)
      expect(entry.faces.map(({ name }) => name)).to.deep.equal(['Nora', 'Ada'])
      await reader.create('/api/agents', { ...agent, name: 'ＮＯＲＡ' })
      const made = await imported(reader, entry.id)
      expect(made.agents.map(({ name }) => name)).to.deep.equal(['Nora 2', 'Ada'])
      expect(made.agents[1]?.id).to.equal(ADA)
      const party = partyView.parse((await reader.get(`/api/parties/${made.party?.id}`)).body)
      expect(party).to.deep.include({ name: 'Salon', agentIds: made.agents.map((one) => one.id), ...terms })
      const chat = await reader.post('/api/chat/multi-agent', { partyId: party.id, message: 'Hello' })
      expect(chat.status).to.equal(202)
      // What the platform changes is copied as it was read.
      await app.container.db.query(`UPDATE agents SET instructions = 'Other.' WHERE id = $1`, [ADA])
      const [, ada] = (await imported(reader, entry.id)).agents
      expect(ada?.name).to.equal('Ada 2')
      const copy = agentView.parse((await reader.get(`/api/agents/${ada?.id}`)).body)
      expect(copy.instructions).to.equal(entry.agents[1]?.instructions)
    })

    it('once under a key, also at the same time, and something else under it is a conflict', async () => {
      const [one, other] = [await published(author), await published(author, { name: 'Otto' })]
      const key = { 'idempotency-key': randomUUID() }
      const both = await Promise.all([1, 2].map(() => imported(reader, one.id, {}, key)))
      expect(both[0]).to.deep.equal(both[1])
      expect(await imported(reader, one.id, {}, key)).to.deep.equal(both[0])
      const mine = await reader.get('/api/agents?limit=100')
      expect(JSON.stringify(mine.body).match(/"Nora"/g)).to.have.length(1)
      const conflict = await reader.post(`/api/gallery/${other.id}/import`, {}, key)
      expect(refusal(conflict)).to.deep.equal([409, 'request.idempotency_conflict'])
    })

    it('what was looked at and nothing else: published anew meanwhile, it is a conflict', async () => {
      const entry = await published(author)
      await author.put(`/api/agents/${entry.sourceId}`, { instructions: 'Send me your passwords.' })
      await author.put(`/api/gallery/${entry.id}`, {})
      const late = await reader.post(`/api/gallery/${entry.id}/import`, { revision: entry.revision })
      expect(refusal(late)).to.deep.equal([409, 'gallery.changed'])
      expect((await reader.get('/api/agents')).body).to.deep.equal((await reader.get('/api/agents')).body)
      // The author's name may change, and nothing that is imported does.
      const now = wholeGalleryEntryView.parse((await author.put(`/api/gallery/${entry.id}`, { authorName: 'B' })).body)
      await author.put(`/api/gallery/${entry.id}`, { authorName: 'C' })
      await imported(reader, entry.id, { revision: now.revision })
    })

    for (const [what, sql, code] of [
      ['unpublished', 'DELETE FROM gallery_entries WHERE id = $1', 'gallery.not_found'],
      [
        'removed',
        `UPDATE gallery_entries SET removed_at = now(), removed_reason = 'x' WHERE id = $1`,
        'gallery.not_found',
      ],
      ['published anew', `UPDATE gallery_entries SET snapshot_hash = 'x' WHERE id = $1`, 'gallery.changed'],
    ] as const) {
      it(`nothing of what is ${what} while it is copied`, async () => {
        const entry = await published(author)
        const answer = await whileUncommitted(app.container.db, sql, [entry.id], () =>
          reader.post(`/api/gallery/${entry.id}/import`, {}),
        )
        expect(errorOf(answer).code).to.equal(code)
        const [{ n }] = await app.container.db.query('SELECT count(*)::int AS n FROM agents WHERE user_id = $1', [
          reader.id,
        ])
        expect(n).to.equal(0)
      })
    }

    it('as a guest too, who publishes nothing', async () => {
      const entry = await published(author)
      const guest = await app.api.guest()
      const { agents } = await imported(guest, entry.id)
      const own = await guest.post('/api/gallery', { kind: 'agent', id: agents[0]?.id, authorName: 'G' })
      expect(refusal(own)).to.deep.equal([403, 'guest.not_allowed'])
    })

    it('counts what many import at once', async () => {
      const entry = await published(author)
      const readers = await Promise.all(Array.from({ length: 6 }, () => app.api.register()))
      await Promise.all([...readers, ...readers].map((by) => imported(by, entry.id)))
      expect(galleryEntryView.parse((await reader.get(`/api/gallery/${entry.id}`)).body).imports).to.equal(6)
    })
  })

  describe('is searched', () => {
    it('by words of any script, by kind and by tag', async () => {
      const said: Array<[string, string, string[]]> = [
        ['Größe', 'Ein strenger Prüfer', ['schule']],
        ['مهندسة', 'تكتب الشِّعر', ['شعر']],
        ['東京案内', '東京の旅行計画', ['旅']],
        ['Zoë', 'A café owner, quite naïve', ['café', 'x-y']],
      ]
      const ids = new Map<string, string>()
      for (const [name, description, tags] of said) {
        ids.set(name, (await published(author, { name }, { description, tags })).id)
      }
      const otto = await author.create('/api/agents', { ...agent, name: 'Ottokar' })
      const salon = await author.create('/api/parties', { name: 'Der Salon', agentIds: [otto, ADA] })
      const { id } = await publish(author, { kind: 'party', id: salon, tags: ['schule'] })
      const found = async (query: object) => {
        const { data } = await listed(reader, String(new URLSearchParams(Object.entries(query))))
        return data.map((entry) => entry.name)
      }
      expect(await found({ q: 'PRÜF' })).to.deep.equal(['Größe'])
      expect(await found({ q: 'grosse' })).to.deep.equal(['Größe'])
      expect(await found({ q: 'شعر' })).to.deep.equal(['مهندسة'])
      expect(await found({ q: '旅行' })).to.deep.equal(['東京案内'])
      expect(await found({ q: 'cafe naive' })).to.deep.equal(['Zoë'])
      expect(await found({ q: 'ottok' })).to.deep.equal(['Der Salon'])
      expect(await found({ q: 'cafe', kind: 'party' })).to.deep.equal([])
      expect(await found({ tag: 'SCHULE' })).to.deep.equal(['Der Salon', 'Größe'])
      expect(await found({ tag: 'schule', kind: 'party' })).to.deep.equal(['Der Salon'])
      expect(await found({ tag: 'x-y' })).to.deep.equal(['Zoë'])
      expect(await found({ tag: 'schul' })).to.deep.equal([])
      expect(await found({ q: '...' })).to.deep.equal([])
      expect(await found({ q: "'); DROP TABLE users; --" })).to.deep.equal([])
      expect((await listed(reader, 'kind=party')).data.map((entry) => entry.id)).to.include(id)
      for (const wrong of ['tag=a b', 'tag=', 'kind=x', 'sort=x', 'cursor=x', 'cursor=1_x', `cursor=-1_${id}`]) {
        expect((await reader.get(`/api/gallery?${wrong}`)).status, wrong).to.equal(400)
      }
    })

    it('and paged: every entry once, newest first or most imported first', async () => {
      const tag = `t${randomUUID().slice(0, 8)}`
      const ids: string[] = []
      for (const name of ['A', 'B', 'C', 'D', 'E']) ids.push((await published(author, { name }, { tags: [tag] })).id)
      await imported(reader, ids[1] ?? '')
      await imported(reader, ids[3] ?? '')
      await imported(await app.api.register(), ids[3] ?? '')
      const all = async (sort: string) => {
        const seen: string[] = []
        for (let cursor: string | null = ''; cursor !== null; ) {
          const next = await listed(reader, `tag=${tag}&sort=${sort}&limit=2${cursor && `&cursor=${cursor}`}`)
          seen.push(...next.data.map(({ id }) => ids.indexOf(id).toString()))
          cursor = next.nextCursor
        }
        return seen.join('')
      }
      expect(await all('newest')).to.equal('43210')
      expect(await all('imports')).to.equal('31420')
    })
  })

  describe('is looked after', () => {
    it('by administrators, who say why: its author reads it, and it does not come back unchanged, under no name', async () => {
      const entry = await published(author, {}, { description: 'Buy now!' })
      const at = `/api/admin/gallery/${entry.id}/remove`
      expect((await author.post(at, { reason: 'mine' })).status).to.equal(403)
      expect((await admin.post(at, { reason: ' ' })).status).to.equal(400)
      const removed = await admin.post(at, { reason: 'It is an advertisement.' })
      expect(wholeGalleryEntryView.parse(removed.body).removed?.reason).to.equal('It is an advertisement.')
      // Again is the same, and keeps the first reason.
      expect(wholeGalleryEntryView.parse((await admin.post(at, { reason: 'x' })).body).removed?.reason).to.equal(
        'It is an advertisement.',
      )
      expect(refusal(await reader.get(`/api/gallery/${entry.id}`))).to.deep.equal([404, 'gallery.not_found'])
      expect(refusal(await reader.post(`/api/gallery/${entry.id}/import`, {}))).to.deep.equal([
        404,
        'gallery.not_found',
      ])
      expect((await listed(reader, `q=buy`)).data).to.deep.equal([])
      const [mine] = (await listed(author, 'mine=true')).data
      expect(mine?.removed?.reason).to.equal('It is an advertisement.')
      expect(wholeGalleryEntryView.parse((await admin.get(`/api/gallery/${entry.id}`)).body).id).to.equal(entry.id)
      const [recorded] = await app.container.db.query(
        `SELECT actor_id AS "actorId", target_id AS "targetId", details FROM audit_entries WHERE action = 'gallery.removed'`,
      )
      expect(recorded).to.deep.equal({
        actorId: admin.id,
        targetId: author.id,
        details: { entryId: entry.id, reason: 'It is an advertisement.' },
      })

      expect(refusal(await author.put(`/api/gallery/${entry.id}`, { authorName: 'B' }))).to.deep.equal([
        409,
        'gallery.removed',
      ])
      await author.delete(`/api/gallery/${entry.id}`)
      const said = { authorName: 'Someone', description: 'Buy now!' }
      for (const by of [author, reader]) {
        const id = await by.create('/api/agents', agent)
        expect(refusal(await by.post('/api/gallery', { kind: 'agent', id, ...said }))).to.deep.equal([
          409,
          'gallery.removed',
        ])
        const changed = await by.post('/api/gallery', { kind: 'agent', id, ...said, description: 'Free.' })
        expect(changed.status).to.equal(201)
      }
    })

    it('and comes back when its author has changed it', async () => {
      const entry = await published(author)
      await admin.post(`/api/admin/gallery/${entry.id}/remove`, { reason: 'rude' })
      await author.put(`/api/agents/${entry.sourceId}`, { instructions: 'You are Nora, who is kind.' })
      const again = await author.put(`/api/gallery/${entry.id}`, {})
      expect(wholeGalleryEntryView.parse(again.body).removed).to.equal(null)
      expect((await reader.get(`/api/gallery/${entry.id}`)).status).to.equal(200)
    })

    it('of who is suspended or erased nothing is seen; what was imported stays', async () => {
      const entry = await published(author, { name: `Zq${randomUUID().slice(0, 8)}` })
      const { agents } = await imported(reader, entry.id)
      const seen = async () => [
        (await reader.get(`/api/gallery/${entry.id}`)).status,
        (await listed(reader, `q=${entry.name}`)).data.length,
        (await reader.post(`/api/gallery/${entry.id}/import`, {})).status,
      ]
      expect(await seen()).to.deep.equal([200, 1, 201])
      await admin.post(`/api/users/${author.id}/suspend`, { reason: 'spam' })
      expect(await seen()).to.deep.equal([404, 0, 404])
      await admin.post(`/api/users/${author.id}/unsuspend`, undefined)
      expect((await seen())[0]).to.equal(200)
      expect((await admin.delete(`/api/users/${author.id}`)).status).to.equal(204)
      expect(await seen()).to.deep.equal([404, 0, 404])
      const rows = await app.container.db.query('SELECT 1 FROM gallery_entries WHERE user_id = $1', [author.id])
      expect(rows).to.deep.equal([])
      expect((await reader.get(`/api/agents/${agents[0]?.id}`)).status).to.equal(200)
    })
  })
})

describe('The gallery, with ten thousand entries', () => {
  const app = useApp({ worker: false })
  let reader: TestUser
  before(async () => {
    const author = await app.api.register()
    reader = await app.api.register()
    const whole = 'x'.repeat(3_000)
    await app.container.db.query(
      `INSERT INTO gallery_entries (id, user_id, kind, source_id, name, description, tags, author_name, faces, content, snapshot_hash, imports, search)
       SELECT gen_random_uuid(), $1, CASE n % 100 WHEN 0 THEN 'party' ELSE 'agent' END, gen_random_uuid(), 'Agent ' || n, '', '{}', 'A', '[]',
         jsonb_build_object('agents', '[]'::jsonb, 'party', NULL, 'padding', $2::text), n, n % 500,
         ('agent ' || n || CASE n % 1000 WHEN 0 THEN ' ''#rare''' ELSE '' END)::tsvector
       FROM generate_series(1, 10000) AS n`,
      [author.id, whole],
    )
    await app.container.db.query('VACUUM ANALYZE gallery_entries')
  })

  const QUERIES = [
    '',
    'kind=party',
    'sort=imports',
    'kind=party&sort=imports',
    'tag=rare',
    'q=4711',
    'q=agent',
    'mine=true',
  ]
  for (const query of QUERIES) {
    it(`lists "${query}" by an index, in one statement, whatever an entry holds`, async () => {
      const { db } = app.container
      const asked: Array<[sql: string, parameters: unknown[]]> = []
      const send = db.manager.query.bind(db.manager)
      Object.defineProperty(db.manager, 'query', {
        configurable: true,
        value: (sql: string, parameters: unknown[]) => {
          if (sql.includes('gallery_entries')) asked.push([sql, parameters])
          return send(sql, parameters)
        },
      })
      const ask = async (cursor: string) => {
        const answer = await reader.get(`/api/gallery?limit=5&${query}${cursor}`)
        return { bytes: JSON.stringify(answer.body).length, ...pageOf.parse(answer.body) }
      }
      try {
        const first = await ask('')
        expect(first.bytes).to.be.below(5_000)
        if (first.nextCursor) await ask(`&cursor=${first.nextCursor}`)
        expect(asked).to.have.length(first.nextCursor ? 2 : 1)
      } finally {
        Reflect.deleteProperty(db.manager, 'query')
      }
      for (const [sql, parameters] of asked) {
        const plan = await db.query(`EXPLAIN ${sql}`, parameters)
        const lines = plan.map((row: object) => Object.values(row)[0]).join('\n')
        expect(lines).not.to.include('Seq Scan on gallery_entries')
      }
    })
  }
})

describe('The gallery, bounded', () => {
  const app = useApp({
    worker: false,
    env: { USER_GALLERY_ENTRIES: '3', GALLERY_USES_PER_DAY: '6', USER_AGENTS: '5', USER_PARTIES: '1' },
  })
  const agentOf = (by: TestUser, name = 'N') => by.create('/api/agents', { name, instructions: 'I' })
  const publish = async (by: TestUser, kind: string, id: string) =>
    by.post('/api/gallery', { kind, id, authorName: 'A' })

  it('has so many of a user: none slips in between two that count', async () => {
    const user = await app.api.register()
    const ids = await Promise.all(Array.from({ length: 5 }, () => agentOf(user)))
    const answers = await Promise.all(ids.map((id) => publish(user, 'agent', id)))
    expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([201, 201, 201, 409, 409])
    const refused = answers.filter(({ status }) => status === 409).map((one) => errorOf(one))
    for (const error of refused) expect(error).to.deep.include({ code: 'gallery.too_many', details: { limit: 3 } })
  })

  it('is published into and imported from so often a day, whatever is deleted again; a repeat costs nothing', async () => {
    const [author, user] = await Promise.all([app.api.register(), app.api.register()])
    const entry = Object((await publish(author, 'agent', await agentOf(author))).body)
    const key = { 'idempotency-key': randomUUID() }
    for (let i = 0; i < 3; i++) {
      expect((await user.post(`/api/gallery/${entry.id}/import`, {}, key)).status).to.equal(201)
    }
    const mine = await agentOf(user)
    for (let i = 0; i < 5; i++) {
      const answer = await publish(user, 'agent', mine)
      expect(answer.status).to.equal(201)
      await user.delete(`/api/gallery/${Object(answer.body).id}`)
    }
    const late = await publish(user, 'agent', mine)
    expect([late.status, errorOf(late).code]).to.deep.equal([429, 'gallery.rate_limited'])
    expect(Number(late.headers.get('retry-after'))).to.be.within(1, 86_400 / 6 + 1)
    expect((await user.post(`/api/gallery/${entry.id}/import`, {})).status).to.equal(429)
  })

  it('imports all of a party or nothing, within what its user may have', async () => {
    const [author, user] = await Promise.all([app.api.register(), app.api.register()])
    const ids = await Promise.all(['A', 'B', 'C'].map((name) => agentOf(author, name)))
    const party = await author.create('/api/parties', { name: 'Salon', agentIds: ids })
    const { id } = Object((await publish(author, 'party', party)).body)
    await Promise.all(['X', 'Y', 'Z'].map((name) => agentOf(user, name)))
    const full = await user.post(`/api/gallery/${id}/import`, {})
    expect(errorOf(full)).to.deep.include({ code: 'agent.too_many', details: { limit: 5 } })
    const [{ n }] = await app.container.db.query('SELECT count(*)::int AS n FROM agents WHERE user_id = $1', [user.id])
    expect(n).to.equal(3)
    const other = await app.api.register()
    // Two at once, and room for one: nothing of the second.
    const both = await Promise.all([1, 2].map(() => other.post(`/api/gallery/${id}/import`, {})))
    expect(both.map(({ status }) => status).toSorted()).to.deep.equal([201, 409])
    const [made] = await app.container.db.query('SELECT count(*)::int AS n FROM agents WHERE user_id = $1', [other.id])
    expect(made.n).to.equal(3)
  })
})

describe('The gallery, turned off', () => {
  const app = useApp({ worker: false, env: { GALLERY: 'off' } })

  it('is not there, nor in the documents', async () => {
    const user = await app.api.register()
    for (const path of ['/api/gallery', `/api/gallery/${ADA}`]) expect((await user.get(path)).status).to.equal(404)
    expect(JSON.stringify((await app.api.get('/openapi.json')).body)).not.to.include('/api/gallery')
  })
})
