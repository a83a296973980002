import { expect } from 'chai'
import { clientCommands } from '../../src/contract/events.ts'
import { newId } from '../../src/shared/ids.ts'
import { ROUTE_TABLE } from '../architecture/route-table.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { SocketTap } from '../support/socket-tap.ts'

/** What is nobody's word for anything that a person would write. */
const OWN_WORDS =
  /expected|received|invalid (input|option|string|number|iso|uuid|guid|key|element)|too (small|big)|NaN|must match pattern/i
const BAD = [null, '', 'x', 'x'.repeat(40_000), -1, 1.5, 1e300, true, [], [1], {}, { x: 1 }]
const BAD_QUERIES = ['', 'x', '-1', '1.5', '1e300', '[]']
/** Fields and queries that some route or other knows. */
const FIELDS = ['conversationId', 'fileIds', 'agentId', 'agentIds', 'stop', 'maxTurns', 'strategy', 'onBusy', 'message']
  .concat(['name', 'email', 'password', 'baseUrl', 'apiKey', 'model', 'provider', 'temperature', 'maxOutputTokens'])
  .concat(['chatStyle', 'title', 'archived', 'amount', 'userId', 'reason', 'effectiveFrom', 'size', 'contentType'])
  .concat(['ids', 'code', 'instructions', 'connectionId', 'fallbackConnectionId', 'token', 'role', 'isDefault'])
  .concat([
    'perCall',
    'newPassword',
    'party',
    'cron',
    'timeZone',
    'missed',
    'monthlyCredits',
    'paused',
    'url',
    'events',
  ])
const QUERIES = ['limit', 'cursor', 'beforeSeq', 'afterSeq', 'from', 'to', 'by', 'status', 'variant', 'type'].concat([
  'disposition',
  'archived',
  'runId',
  'conversationId',
  'actorId',
  'action',
  'name',
])

describe('Errors of input', function () {
  this.timeout(300_000)
  const app = useApp({ worker: false, env: { LOGIN_ATTEMPTS: '100000' } })

  it('are told in words for people, on every route, whatever is wrong', async () => {
    const users = { user: await app.api.register(), admin: await app.api.login(ADMIN.email, ADMIN.password) }
    const { conversationId } = await users.user.accept('/api/chat', { agentId: FIXED, message: 'Hi' })
    const heard = new Set<string>()
    for (const [route, { access, of, body, headers }] of Object.entries(ROUTE_TABLE)) {
      // Signing in and out of what the walk itself needs.
      if (route.includes('/auth/logout') || route === 'DELETE /api/auth/sessions') continue
      const [method = '', path = ''] = route.split(' ')
      const by = access === 'admin' ? users.admin : users.user
      const to = path.replace(/:\w+/g, of === 'conversation' ? conversationId : FIXED)
      const ask = async (query: string, sent: unknown) => {
        const { status, body: said } = await by.request(method, to + query, sent, headers)
        if (status !== 400) return
        const { issues = [], ...rest } = Object(said).error.details
        for (const { path: where, message } of issues) {
          heard.add(message)
          expect(message, `${route} ${where} ${query}`).not.to.match(OWN_WORDS)
        }
        expect(rest).to.not.have.property('cause')
        expect(Object(said).error.message, `${route} ${query}`).not.to.match(OWN_WORDS)
      }
      if (method === 'GET') {
        if (route.endsWith('/events') || access === 'open') continue
        const values = BAD_QUERIES.map((one) => QUERIES.map((name) => `${name}=${encodeURIComponent(one)}`).join('&'))
        for (const query of values) await ask(`?${query}`, undefined)
      } else if (typeof body !== 'string') {
        const base = WAITING.test(route) ? toNobody(body) : Object(body)
        for (const bad of BAD) {
          if (typeof bad !== 'object' || Array.isArray(bad)) await ask('', JSON.stringify(bad))
          await ask('', Object.fromEntries([...FIELDS, ...Object.keys(base)].map((name) => [name, bad])))
        }
        for (const bad of ['', 'x', 1.5, ['x']]) {
          for (const name of Object.keys(base)) await ask('', { ...base, [name]: bad })
        }
        for (const name of Object.keys(base)) {
          const { [name]: _, ...rest } = base
          await ask('', rest)
        }
      }
    }
    expect([...heard]).to.include.members([
      'is missing',
      'must be text',
      'is not a known field',
      'must be a whole number',
    ])
    expect(heard.size).to.be.greaterThan(20)
  })

  it('are told so over a socket too', async () => {
    const socket = await new SocketTap(app.url, (await app.api.register()).token).connected()
    for (const command of Object.keys(clientCommands)) {
      for (const body of [[], {}, Object.fromEntries(FIELDS.map((name) => [name, 1]))]) {
        const { error } = await socket.ask(command, body)
        expect(JSON.stringify(error), command).not.to.match(OWN_WORDS)
      }
    }
    socket.close()
  })

  it('of a body where none is read name what was sent: regenerating takes none', async () => {
    const user = await app.api.register()
    const { status, body } = await user.post(`/api/chat/messages/${FIXED}/regenerate`, { agentId: FIXED })
    expect(status).to.equal(400)
    expect(Object(body).error.details.issues).to.deep.equal([{ path: 'agentId', message: 'is not a known field' }])
  })

  it('of a time whose year in UTC has five digits name it, before an answer would have to', async () => {
    const user = await app.api.register()
    const to = (query: string) => user.get(`/api/credits/usage?${query}`)
    const late = await to(`from=${encodeURIComponent('9999-12-31T23:59:59-23:59')}`)
    expect(late.status).to.equal(400)
    expect(Object(late.body).error.details.issues[0].path).to.equal('from')
    expect((await to('from=9999-12-31')).status).to.equal(200)
    const key = { name: 'Program', scopes: ['read'], expiresAt: '9999-12-31T23:59:59-14:00' }
    const never = await user.post('/api/keys', key)
    expect([never.status, Object(never.body).error.details.issues[0].path]).to.deep.equal([400, 'expiresAt'])
  })

  it('of an agent without a name are one', async () => {
    const user = await app.api.register()
    const { body } = await user.post('/api/agents', { name: '', instructions: 'You are nobody.' })
    expect(Object(body).error).to.deep.include({
      message: 'name: must not be empty',
      details: { issues: [{ path: 'name', message: 'must not be empty' }] },
    })
  })
})

/** Doors that answer when the run is over; nobody speaks here, so what is right is said to nobody. */
const WAITING = /^POST \/(v1|api\/ui|api\/ag-ui)\b/
const toNobody = (body: unknown) => Object(JSON.parse(JSON.stringify(body ?? {}).replaceAll(FIXED, newId())))

/** The demo agent; of everything else nothing has this id. */
const FIXED = '01990000-0000-7000-8000-0000000000a1'
