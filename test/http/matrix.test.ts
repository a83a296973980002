import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { io } from 'socket.io-client'
import { z } from 'zod'
import { clientCommands } from '../../src/contract/events.ts'
import { type KeyScope, keyScopes, scopesReach } from '../../src/contract/key-scopes.ts'
import { newId } from '../../src/shared/ids.ts'
import {
  ADA,
  apiKey,
  mcpServer,
  party,
  ROUTE_TABLE,
  type RouteEntry,
  schedule,
  scopeOf,
  type Thing,
  webhook,
} from '../architecture/route-table.ts'
import { errorOf, type TestUser, wireErrorOf } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'

const idOnly = z.looseObject({ id: z.string() })
const list = z.object({ data: z.array(idOnly).min(1) })

/** Whose tokens are none any more: every door is shut to them. */
const SHUT_OUT = [
  'nobody',
  'suspended',
  'deleted',
  'revoked',
  'expired',
  'key of the suspended',
  'revoked key',
] as const

describe('The matrix of who may what', function () {
  this.timeout(120_000)
  const app = useApp()
  let admin: TestUser
  /** Gets at nothing of anybody's. */
  let stranger: TestUser
  const tokens = new Map<string, string | undefined>([['nobody', undefined]])

  before(async () => {
    admin = await app.api.login(ADMIN.email, ADMIN.password)
    stranger = await app.api.register()
    const users = await Promise.all(SHUT_OUT.slice(1, 5).map(() => app.api.register()))
    for (const [index, user] of users.entries()) tokens.set(SHUT_OUT[index + 1] ?? '', user.token)
    const [suspended, deleted, revoked, expired] = users
    if (!suspended || !revoked) throw new Error('there are four users')
    tokens.set('key of the suspended', (await suspended.apiKey({ scopes: ['read', 'chat'] })).key)
    const key = await revoked.apiKey({ scopes: ['read', 'chat'] })
    tokens.set('revoked key', key.key)
    expect((await revoked.delete(`/api/keys/${key.id}`)).status).to.equal(204)
    expect((await admin.post(`/api/users/${suspended?.id}/suspend`, { reason: 'spam' })).status).to.equal(200)
    expect((await deleted?.delete(`/api/users/${deleted.id}`))?.status).to.equal(204)
    expect((await revoked?.post('/api/auth/logout', undefined))?.status).to.equal(204)
    await app.container.db.query(`UPDATE sessions SET expires_at = now() WHERE user_id = $1`, [expired?.id])
  })

  const MAKERS: Record<Thing, (owner: TestUser) => Promise<string>> = {
    agent: (owner) => owner.create('/api/agents', { name: 'Ada', instructions: 'You are Ada.' }),
    approval: async (owner) => {
      const { runId } = await spoken(owner)
      const id = newId()
      await app.container.db.query(
        `INSERT INTO tool_calls (run_id, turn, call, id, step, user_id, provider_call_id, source, source_name, name, title, effect, keyed,
           on_unknown, args, status, expires_at)
         VALUES ($1, 0, 0, $2, 0, $3, 'call_0', 'builtin', 'calculator', 'calculator', 'Calculator', 'reads', false, 'tell', '{}',
           'awaiting', now() + interval '1 day')`,
        [runId, id, owner.id],
      )
      return id
    },
    connection: (owner) => owner.create('/api/connections', { name: 'C', provider: 'demo', model: 'demo' }),
    conversation: async (owner) => (await spoken(owner)).conversationId,
    entry: async (owner) => {
      const id = await owner.create('/api/agents', { name: 'Ada', instructions: 'You are Ada.' })
      // What an administrator removes is not published again as it was.
      return owner.create('/api/gallery', { kind: 'agent', id, authorName: 'Ada', description: randomUUID() })
    },
    file: (owner) => owner.upload('a.txt', 'text/plain', 'words'),
    invitation: async (owner) => idOnly.parse((await owner.post('/api/invitations', {})).body).id,
    key: (owner) => owner.create('/api/keys', apiKey),
    mcpServer: (owner) => owner.create('/api/mcp/servers', mcpServer),
    message: async (owner) => {
      const messages = await owner.messages((await spoken(owner)).conversationId)
      return messages.find(({ role }) => role === 'agent')?.id ?? ''
    },
    party: (owner) => owner.create('/api/parties', party),
    price: async (owner) => list.parse((await owner.get('/api/credits/models')).body).data[0]?.id ?? '',
    response: async (owner) => {
      const answer = await owner.post('/v1/responses', { model: ADA, input: 'Hello' })
      return idOnly.parse(answer.body).id
    },
    run: async (owner) => (await spoken(owner)).runId,
    starter: async () => '01990000-0000-7000-8000-0000000000d1',
    session: async (owner) => list.parse((await owner.get('/api/auth/sessions')).body).data[0]?.id ?? '',
    share: async (owner) => owner.create(`/api/chat/conversations/${(await spoken(owner)).conversationId}/shares`, {}),
    schedule: (owner) => owner.create('/api/schedules', schedule),
    upload: (owner) => owner.create('/api/storage/uploads', { name: 'a.txt', size: 4 }),
    user: async (owner) => owner.id,
    webhook: (owner) => owner.create('/api/webhooks', webhook),
  }
  const spoken = async (owner: TestUser) => {
    const accepted = await owner.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await owner.finished(accepted.runId)
    return accepted
  }

  /** The status of a call; of what streams only its beginning is read. */
  const statusOf = async (route: string, id: string, entry: RouteEntry, token: string | undefined) => {
    const [method = '', path = ''] = route.split(' ')
    const gone = new AbortController()
    const headers: Record<string, string> = { ...(token && { authorization: `Bearer ${token}` }) }
    if (entry.body !== undefined) headers['content-type'] = 'application/json'
    const body = entry.body === undefined || typeof entry.body === 'string' ? entry.body : JSON.stringify(entry.body)
    const answer = await fetch(app.url + path.replace(':id', id).replace(/:[a-zA-Z]+/, randomUUID()), {
      method,
      headers: { ...headers, ...entry.headers },
      signal: gone.signal,
      ...(body !== undefined && { body }),
    })
    if (path.endsWith('/events') && answer.status === 200) gone.abort()
    else await answer.text()
    return answer.status
  }
  const guarded = Object.entries(ROUTE_TABLE).filter(([, { access }]) => access === 'user' || access === 'admin')

  for (const kind of SHUT_OUT) {
    it(`${kind}: no route opens`, async () => {
      const ids = new Map<Thing, string>()
      const owner = await app.api.register()
      for (const [route, entry] of guarded) {
        const by = entry.access === 'admin' ? admin : owner
        if (entry.of && !ids.has(entry.of)) ids.set(entry.of, await MAKERS[entry.of](by))
        const id = entry.of ? (ids.get(entry.of) ?? '') : ''
        expect(await statusOf(route, id, entry, tokens.get(kind)), route).to.equal(401)
      }
    })
  }

  for (const [route, entry] of guarded.filter(([, { access }]) => access === 'user')) {
    it(`${route}: to its owner, and to nobody else`, async () => {
      const owner = await app.api.register()
      const make = async () => (entry.of ? MAKERS[entry.of](owner) : '')
      const id = await make()
      if (entry.of) {
        expect(await statusOf(route, id, entry, stranger.token), 'a stranger').to.equal(entry.stranger ?? 404)
        const seenByAdmin = await statusOf(route, id, entry, admin.token)
        expect(seenByAdmin, 'an administrator').to.equal(entry.admin ?? 404)
        // What was an administrator's to take away is gone.
        if (route === 'DELETE /api/users/:id') return
      }
      expect(await statusOf(route, id, entry, owner.token), 'its owner').to.equal(entry.owner ?? 200)
    })
  }

  for (const [route, entry] of guarded.filter(([, { access }]) => access === 'admin')) {
    it(`${route}: to administrators only`, async () => {
      const user = await app.api.register()
      const id = entry.of ? await MAKERS[entry.of](entry.of === 'user' ? user : admin) : ''
      expect(await statusOf(route, id, entry, user.token), 'a user').to.equal(403)
      expect(await statusOf(route, id, entry, admin.token), 'an administrator').to.equal(entry.owner ?? 200)
    })
  }

  describe('of API keys', () => {
    const ofAdmin = new Map<KeyScope, string>()
    before(async () => {
      for (const scope of keyScopes) ofAdmin.set(scope, (await admin.apiKey({ scopes: [scope] })).key)
    })

    for (const [route, entry] of guarded) {
      const needed = scopeOf(route, entry)
      it(`${route}: to those with the scope "${needed}"`, async () => {
        const owner = entry.access === 'admin' ? admin : await app.api.register()
        const subject = entry.access === 'admin' && entry.of === 'user' ? await app.api.register() : owner
        const id = entry.of ? await MAKERS[entry.of](subject) : ''
        const isEnough = (scope: KeyScope) => scopesReach([scope], needed)
        // Those that are refused first: what the others do may be done once.
        for (const scope of keyScopes.toSorted((one, other) => Number(isEnough(one)) - Number(isEnough(other)))) {
          const own = owner !== admin && scope !== 'admin'
          const token = own ? (await owner.apiKey({ scopes: [scope] })).key : ofAdmin.get(scope)
          const status = await statusOf(route, id, entry, token)
          expect(status, scope).to.equal(isEnough(scope) ? (entry.again ?? entry.owner ?? 200) : 403)
        }
      })
    }
  })

  describe('of commands over sockets', () => {
    type Ids = { conversationId: string; runId: string; token: string }
    /** What each command sends about the owner's things, and how it is answered to its owner and to others. */
    const COMMANDS: Record<keyof typeof clientCommands, { body: (ids: Ids) => object; owner: string; others: string }> =
      {
        'conversation.join': {
          body: ({ conversationId }) => ({ conversationId }),
          owner: 'ok',
          others: 'conversation.not_found',
        },
        // Nobody who is not in it leaves it, which is no secret of it.
        'conversation.leave': { body: ({ conversationId }) => ({ conversationId }), owner: 'ok', others: 'ok' },
        'message.send': {
          body: ({ conversationId }) => ({ agentId: ADA, message: 'Hello', conversationId }),
          owner: 'ok',
          others: 'conversation.not_found',
        },
        'run.cancel': { body: ({ runId }) => ({ runId }), owner: 'ok', others: 'run.not_found' },
        'auth.refresh': { body: ({ token }) => ({ token }), owner: 'ok', others: 'auth.forbidden' },
      }
    const socketOf = (token: string | undefined) =>
      io(app.url, { transports: ['websocket'], auth: { token }, forceNew: true, reconnection: false })
    const answer = z.union([
      z.looseObject({ ok: z.literal(true) }),
      z.looseObject({ ok: z.literal(false), error: z.looseObject({ code: z.string() }) }),
    ])

    it('every command has its entry', () => {
      expect(Object.keys(COMMANDS)).to.have.members(Object.keys(clientCommands))
    })

    for (const kind of SHUT_OUT) {
      it(`${kind}: no socket opens`, async () => {
        const socket = socketOf(tokens.get(kind))
        const code = await new Promise((resolve) => {
          socket.once('connect', () => resolve('connected'))
          socket.once('connect_error', (error) => resolve('data' in error && Object(error.data).code))
        })
        socket.disconnect()
        expect(code).to.equal('auth.unauthorized')
      })
    }

    for (const [name, entry] of Object.entries(COMMANDS)) {
      it(`${name}: to the owner, and to nobody else`, async () => {
        const [owner, stranger] = await Promise.all([app.api.register(), app.api.register()])
        const ids = { ...(await spoken(owner)), token: owner.token }
        const codeFor = async (by: TestUser) => {
          const socket = socketOf(by.token)
          try {
            const said = answer.parse(await socket.timeout(15_000).emitWithAck(name, entry.body(ids)))
            return said.ok ? 'ok' : said.error.code
          } finally {
            socket.disconnect()
          }
        }
        expect(await codeFor(stranger), 'a stranger').to.equal(entry.others)
        expect(await codeFor(admin), 'an administrator').to.equal(entry.others)
        expect(await codeFor(owner), 'the owner').to.equal(entry.owner)
      })
    }
  })

  it('says of what is not there what it says of what is not yours', async () => {
    const [owner, stranger] = await Promise.all([app.api.register(), app.api.register()])
    for (const [route, { of, access }] of Object.entries(ROUTE_TABLE)) {
      // Prices and what is published in the gallery are everybody's to see.
      if (!of || access !== 'user' || !route.startsWith('GET') || of === 'price' || of === 'entry') continue
      const path = route.split(' ')[1] ?? ''
      const [theirs, none] = await Promise.all([
        stranger.get(path.replace(':id', await MAKERS[of](owner))),
        stranger.get(path.replace(':id', randomUUID())),
      ])
      const said = route.includes(' /v1/') ? wireErrorOf : errorOf
      expect(theirs.status, route).to.equal(none.status)
      if (none.status >= 400) expect(said(theirs), route).to.deep.equal(said(none))
      else expect(theirs.body, route).to.deep.equal(none.body)
    }
  })
})
