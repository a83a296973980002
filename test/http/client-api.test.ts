import { expect } from 'chai'
import { ApiError, ChatspartyClient, everyItem, type MessageView } from '../../src/client/client.ts'
import { newId } from '../../src/shared/ids.ts'
import { ADA, mcpServer, ROUTE_TABLE, schedule, webhook } from '../architecture/route-table.ts'
import { ADMIN, useApp } from '../support/app.ts'

const PASSWORD = 'correct horse battery'
/** For those without this client: events as a stream, which it has over its socket, other protocols, and what browsers and authorization servers read. */
const OTHERS = /\/events$|\/api\/(ui|ag-ui)\b|\/api\/mcp\/(callback|clients)\/:id$/
const ROUTES = Object.keys(ROUTE_TABLE).filter((name) => name.includes(' /api/') && !OTHERS.test(name))
const routeOf = (method: string, url: string): string | undefined => {
  const { pathname } = new URL(url)
  const fits = (name: string) =>
    new RegExp(`^${name.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`).test(`${method} ${pathname}`)
  // Those without parameters first: `batch-delete` is no id.
  return ROUTES.find((name) => name === `${method} ${pathname}`) ?? ROUTES.find(fits)
}
const refused = async (call: Promise<unknown>): Promise<[number, string]> => {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (error instanceof ApiError) return [error.status, error.code]
  throw error ?? new Error('nothing was refused')
}

describe('The typed client, on all of the API', () => {
  const app = useApp()
  const called = new Set<string>()
  let url: string
  let client: ChatspartyClient
  let userId: string
  let email: string
  let other: string

  const connected = () =>
    new ChatspartyClient({
      url,
      fetch: async (input, init) => {
        const response = await fetch(input, init)
        called.add(routeOf(init?.method ?? 'GET', String(input)) ?? `${init?.method} ${input}`)
        return response
      },
    })
  const answered = async (body: Parameters<typeof client.chat>[0]) => {
    const answer = await client.chat(body, { wait: 60 })
    if (!('run' in answer)) throw new Error('the run is not over')
    return answer
  }

  before(async () => {
    url = app.url
    client = connected()
    email = `${newId()}@example.com`
    userId = (await client.register({ email, password: PASSWORD, name: 'Ada' })).user.id
    other = (await client.agents.create({ name: 'Otto', instructions: 'You love coffee.' })).id
  })

  it('knows who one is, and where one is signed in', async () => {
    expect((await client.auth.me()).id).to.equal(userId)
    expect((await client.auth.updateProfile({ name: 'Grace' })).name).to.equal('Grace')
    const elsewhere = connected()
    await elsewhere.login({ email, password: PASSWORD })
    const { data } = await client.sessions.list()
    expect(data.map(({ current }) => current).toSorted()).to.deep.equal([false, true])
    await client.sessions.delete(data.find(({ current }) => !current)?.id ?? '')
    expect(await refused(elsewhere.auth.me())).to.deep.equal([401, 'auth.unauthorized'])
    await elsewhere.login({ email, password: PASSWORD })
    await client.sessions.deleteOthers()
    await elsewhere.login({ email, password: PASSWORD })
    await elsewhere.logout()
    expect(elsewhere.token).to.equal(undefined)
    const { id, key } = await client.keys.create({ name: 'Script', scopes: ['read', 'chat'], monthlyCredits: '5' })
    expect((await client.keys.list()).data).to.have.length(1)
    const script = new ChatspartyClient({ url, token: key })
    expect((await script.agents.get(other)).name).to.equal('Otto')
    expect((await refused(script.auth.updateProfile({ name: 'X' })))[1]).to.equal('key.scope')
    await client.keys.delete(id)
    expect(await refused(script.agents.list())).to.deep.equal([401, 'auth.unauthorized'])
    expect((await client.auth.beginTotp(PASSWORD)).otpauthUrl).to.match(/^otpauth:/)
    expect((await refused(client.auth.confirmTotp('000000')))[1]).to.match(/^auth\.totp_/)
    expect((await refused(client.auth.disableTotp({ password: PASSWORD })))[1]).to.match(/^auth\.totp_/)
    // No mail is set up here.
    expect((await refused(client.auth.resendVerification()))[0]).to.equal(409)
    expect((await refused(client.auth.forgotPassword(email)))[0]).to.be.oneOf([409, 503])
    expect((await refused(client.auth.verifyEmail('x')))[0]).to.equal(400)
    expect((await refused(client.auth.resetPassword({ token: 'x', newPassword: PASSWORD })))[0]).to.equal(400)
  })

  it('keeps connections, agents and parties', async () => {
    expect((await client.connections.providers()).data.length).to.be.greaterThan(3)
    const { id } = await client.connections.create({ name: 'Demo', provider: 'demo', model: 'demo' })
    expect((await client.connections.list({ limit: 1 })).data).to.have.length(1)
    expect((await client.connections.get(id)).scope).to.equal('user')
    expect((await client.connections.update(id, { name: 'Mine' })).name).to.equal('Mine')
    expect((await client.connections.test(id)).ok).to.equal(true)
    expect((await client.connections.models(id)).data).to.have.length(1)
    const agent = await client.agents.create({ name: 'Uma', instructions: 'You love tea.', connectionId: id })
    expect(agent).to.deep.include({ name: 'Uma', connectionId: id, scope: 'user' })
    expect((await client.agents.update(agent.id, { temperature: 0.5 })).temperature).to.equal(0.5)
    expect(await client.agents.get(agent.id)).to.deep.include({ instructions: 'You love tea.' })
    const agentIds = [agent.id, other]
    const party = await client.parties.create({ name: 'Salon', agentIds, stop: { maxCredits: '5' } })
    expect((await client.parties.update(party.id, { maxTurns: 2 })).maxTurns).to.equal(2)
    expect(await client.parties.get(party.id)).to.deep.include({ agentIds, strategy: 'round_robin' })
    expect((await client.parties.list()).data.map(({ name }) => name)).to.deep.equal(['Salon'])
    expect((await client.startParty({ partyId: party.id, message: 'Hello' }, { wait: 60 })).runId).to.be.a('string')
    await client.parties.delete(party.id)
    await client.agents.delete(agent.id)
    await client.connections.delete(id)
    expect(await refused(client.agents.get(agent.id))).to.deep.equal([404, 'agent.not_found'])
  })

  it('shows agents to all, and imports those of others', async () => {
    const entry = await client.gallery.publish({ kind: 'agent', id: other, authorName: 'Ada', tags: ['coffee'] })
    expect((await client.gallery.republish(entry.id, { description: 'Awake.' })).description).to.equal('Awake.')
    expect((await client.gallery.list({ mine: true })).data.map(({ id }) => id)).to.deep.equal([entry.id])
    expect(
      (await client.gallery.list({ q: 'awake', kind: 'agent', tag: 'coffee', sort: 'imports' })).data,
    ).to.have.length(1)
    const { revision } = await client.gallery.get(entry.id)
    const importing = () => client.gallery.importEntry(entry.id, { revision }, { idempotencyKey: 'once' })
    const made = await importing()
    expect(await importing()).to.deep.equal(made)
    expect(made.agents[0]?.name).to.equal('Otto 2')
    await client.agents.delete(made.agents[0]?.id ?? '')
    const root = connected()
    await root.login(ADMIN)
    expect((await root.admin.removeGalleryEntry(entry.id, 'spam')).removed?.reason).to.equal('spam')
    await client.gallery.unpublish(entry.id)
  })

  it('reads every page of a list, and no further than asked', async () => {
    const names: string[] = []
    let pages = 0
    const read = (cursor: string | undefined) => {
      pages++
      return client.agents.list({ limit: 1, cursor })
    }
    for await (const { name } of everyItem(read)) names.push(name)
    expect(names).to.include.members(['Otto', 'Ada', 'Blaise'])
    expect(pages).to.equal(names.length)
    for await (const _ of everyItem(read)) break
    expect(pages).to.equal(names.length + 1)
  })

  it('speaks, and looks after what was said', async () => {
    const first = await answered({ agentId: other, message: 'Tea or coffee?' })
    const { conversationId: id } = first
    expect(first.run.status).to.equal('completed')
    expect((await client.conversations.list({ q: 'coffee', archived: false })).data[0]).to.deep.include({ id })
    const page = await client.conversations.get(id, { afterSeq: 0, limit: 10 })
    const [asked, said] = page.messages.data
    const idOf = (message: MessageView | undefined) => message?.id ?? ''
    expect([asked?.role, said?.role]).to.deep.equal(['user', 'agent'])
    expect(await client.conversations.update(id, { title: 'Tea', pinned: true })).to.deep.include({ pinned: true })
    expect((await client.conversations.markRead(id, 2)).unread).to.equal(0)
    expect((await client.messages.giveFeedback(idOf(said), { value: 'up' })).feedback?.value).to.equal('up')
    await client.messages.deleteFeedback(idOf(said))
    expect(await (await client.conversations.export(id)).text()).to.include('Tea or coffee?')
    const { token, id: shareId } = await client.shares.create(id)
    expect((await client.shares.of(id)).data).to.deep.equal((await client.shares.list()).data)
    expect((await client.shares.open(token, { afterSeq: 0 })).messages.data[1]?.content).to.equal(said?.content)
    await client.shares.delete(shareId)
    expect(await refused(client.shares.open(token))).to.deep.equal([404, 'share.not_found'])
    const branch = await client.conversations.branch(id, idOf(said))
    expect(branch.branchedFrom).to.deep.equal({ conversationId: id, messageId: idOf(said) })
    const again = await client.messages.regenerate(idOf(said), { idempotencyKey: 'again' })
    expect(await client.messages.regenerate(idOf(said), { idempotencyKey: 'again' })).to.deep.equal(again)
    for await (const _ of client.follow(id, { untilRun: again.runId }));
    const edited = await client.messages.edit(idOf(asked), { message: 'Tea?' })
    expect((await client.runs.cancel(edited.runId)).id).to.equal(edited.runId)
    for await (const _ of client.follow(id, { untilRun: edited.runId }));
    expect(['completed', 'cancelled']).to.include((await client.runs.get(edited.runId)).status)
    await client.runs.retry(edited.runId).catch((error: unknown) => expect(error).to.be.instanceOf(ApiError))
    expect((await client.conversations.runs(id)).data.length).to.be.at.least(3)
    const address = await client.ticketUrl({ for: 'conversation.export', id })
    expect(await (await fetch(address)).text()).to.include('Tea')
    await client.conversations.delete(branch.id)
    client.close()
    const schema = { type: 'object', properties: { drink: { enum: ['tea', 'coffee'] } }, required: ['drink'] }
    const formed = await answered({ agentId: other, message: 'Tea or coffee?', answer: { schema } })
    expect(formed.messages.at(-1)?.data?.drink).to.be.oneOf(['tea', 'coffee'])
  })

  it('keeps files, and tells how far each is on its way', async () => {
    const note = (name: string, words = 'Nine cups.') => new File([words], name, { type: 'text/plain' })
    const steps: number[] = []
    const large = note('large.txt', 'x'.repeat(200_000))
    const file = await client.files.upload(large, { onProgress: ({ sent }) => steps.push(sent) })
    expect(steps.at(-1)).to.be.at.least(200_000)
    expect(steps).to.deep.equal(steps.toSorted((a, b) => a - b))
    expect((await client.files.upload(new Blob(['Nine cups.']), { name: 'cups.txt' })).name).to.equal('cups.txt')
    const [one] = await client.files.uploadAll([note('a.txt'), note('b.txt')])
    expect(one?.name).to.equal('a.txt')
    const direct = await client.files.beginDirect({ name: 'c.txt', size: 10, contentType: 'text/plain' })
    await client.files.putContent(direct.id, note('c.txt'), { onProgress: ({ sent }) => steps.push(sent) })
    expect(steps.at(-1)).to.equal(10)
    const direct2 = await client.files.completeDirect(direct.id)
    expect(direct2.size).to.equal(10)
    expect(await client.files.get(file.id)).to.deep.include({ name: 'large.txt', size: 200_000 })
    expect((await client.files.list({ name: 'cups' })).data).to.have.length(1)
    expect(await (await client.files.download(one?.id ?? '')).text()).to.equal('Nine cups.')
    await client.files.reprocess(file.id).catch((error: unknown) => expect(error).to.be.instanceOf(ApiError))
    expect((await client.files.usage()).files).to.equal(5)
    expect((await client.files.deleteAll([file.id, newId()])).failed).to.have.length(1)
    await client.files.delete(one?.id ?? '')
    const given = new AbortController()
    given.abort()
    const stopped = await client.files.upload(large, { signal: given.signal }).catch((error: unknown) => error)
    expect(stopped).to.have.property('name', 'AbortError')
  })

  it('knows what things cost, begins parties by the clock and tells others', async () => {
    expect((await client.credits.balance()).granted).to.match(/^\d+\.\d{6}$/)
    expect((await client.credits.transactions({ type: 'grant' })).data).to.have.length(1)
    expect((await client.credits.usage({ by: 'agent' })).by).to.equal('agent')
    expect((await client.credits.models({ limit: 1 })).data).to.have.length(1)
    expect((await client.credits.estimate({ agentId: other, message: 'Tea?' })).perAgent).to.have.length(1)
    const { id } = await client.schedules.create({ ...schedule, missed: 'once' })
    expect((await client.schedules.update(id, { paused: true })).pausedReason).to.equal('owner')
    expect((await client.schedules.get(id)).party.message).to.equal('Hello')
    expect((await client.schedules.list()).data).to.have.length(1)
    expect((await client.schedules.ticks(id)).data).to.deep.equal([])
    await client.schedules.delete(id)
    expect((await client.approvals.list({ conversationId: newId() })).data).to.deep.equal([])
    expect(await client.approvals.count()).to.deep.equal({ waiting: 0 })
    expect(
      (await refused(client.approvals.decide({ id: newId(), startedAt: null }, { decision: 'deny' })))[1],
    ).to.equal('approval.not_found')
    expect((await refused(client.approvals.toolCalls(newId())))[1]).to.equal('run.not_found')
    const tools = await client.mcp.create(mcpServer)
    expect((await client.mcp.update(tools.id, { name: 'New' })).name).to.equal('New')
    expect((await client.mcp.get(tools.id)).status).to.equal('new')
    expect((await client.mcp.list()).data).to.have.length(1)
    expect((await client.mcp.refresh(tools.id)).ok).to.equal(false)
    expect((await client.mcp.tools(tools.id)).data).to.deep.equal([])
    expect((await refused(client.mcp.tool(tools.id, 'add/note')))[1]).to.equal('mcp.no_tool')
    expect((await refused(client.mcp.updateTool(tools.id, 'add', { keyed: true })))[0]).to.equal(404)
    expect((await refused(client.mcp.allowTool(tools.id, 'add', '0'.repeat(64))))[0]).to.equal(404)
    expect((await refused(client.mcp.signIn(tools.id)))[1]).to.equal('mcp.not_oauth')
    expect((await refused(client.mcp.signOut(tools.id)))[1]).to.equal('mcp.not_oauth')
    expect((await refused(client.mcp.finishSignIn({ serverId: tools.id, state: 'none' })))[1]).to.equal(
      'mcp.sign_in_invalid',
    )
    await client.mcp.delete(tools.id)
    const hook = await client.webhooks.create({ url: webhook.url, events: ['run.completed'] })
    expect((await client.webhooks.changeSecret(hook.id)).secret).not.to.equal(hook.secret)
    expect((await client.webhooks.update(hook.id, { description: 'New' })).description).to.equal('New')
    expect((await client.webhooks.get(hook.id)).url).to.equal(webhook.url)
    expect((await client.webhooks.list()).data).to.have.length(1)
    expect((await client.webhooks.deliveries(hook.id, { status: 'failed' })).data).to.deep.equal([])
    expect((await refused(client.webhooks.redeliver(hook.id, newId())))[0]).to.equal(404)
    await client.webhooks.delete(hook.id)
  })

  it('serves administrators, and is refused to others with the reason', async () => {
    const { users, invitations, credits, admin } = client
    const closed = [() => users.list(), () => invitations.list(), () => credits.losses(), () => admin.queues()]
    for (const call of closed) expect(await refused(call())).to.deep.equal([403, 'auth.forbidden'])
    const root = connected()
    await root.login(ADMIN)
    expect((await root.users.list({ suspended: false })).data.length).to.be.greaterThan(1)
    expect((await root.credits.add({ userId, amount: '1', reason: 'gift' })).amount).to.equal('1.000000')
    expect((await root.credits.losses()).total).to.match(/^\d/)
    const rates = { inputPerMTok: '1', outputPerMTok: '1' }
    const price = await root.credits.createPrice({ provider: 'demo', model: newId(), ...rates })
    expect((await root.credits.changePrice(price.id, { perCall: '2' })).version).to.equal(2)
    const first = await root.credits.versions(price.id, { limit: 1 })
    const second = await root.credits.versions(price.id, { limit: 1, cursor: first.nextCursor ?? '' })
    expect([...first.data, ...second.data].map(({ version }) => version)).to.deep.equal([2, 1])
    expect(second.nextCursor).to.equal(null)
    expect(await refused(root.credits.versions(newId()))).to.deep.equal([404, 'price.not_found'])
    const invitation = await root.invitations.create({ uses: 2 })
    expect((await root.invitations.list()).data.map(({ id }) => id)).to.deep.equal([invitation.id])
    await root.invitations.delete(invitation.id)
    const [gift] = (await root.admin.audit({ action: 'credits.added' })).data
    expect(gift).to.deep.include({ targetId: userId })
    const [starter] = (await root.starters({ limit: 1 })).data
    expect((await root.admin.offerStarter(starter?.id ?? '', { offered: true })).kind).to.equal('debate')
    await Promise.all([root.admin.processes(), root.admin.queues(), root.admin.erasures(), root.admin.breakers()])
    expect((await root.admin.runs({ state: 'failed', hours: 1 })).data).to.deep.equal([])
    expect((await root.admin.queueTicket()).path).to.match(/^\/admin\/queues\//)
    expect(await refused(root.admin.endRun(newId()))).to.deep.equal([404, 'run.not_found'])
    expect(await refused(root.admin.retryRun(newId()))).to.deep.equal([404, 'run.not_found'])
    expect((await root.users.list({ q: email.toUpperCase() })).data.map(({ id }) => id)).to.deep.equal([userId])
    expect((await root.users.sessions(userId)).data.length).to.be.greaterThan(0)
    expect(Number((await root.users.credits(userId)).granted)).to.be.greaterThan(0)
    await root.users.endSessions(userId)
    expect((await root.users.suspend(userId, 'spam')).suspendedReason).to.equal('spam')
    expect((await root.users.unsuspend(userId)).suspendedAt).to.equal(null)
  })

  it('tells when a closed door opens again', async () => {
    const stranger = connected()
    const failure = async () =>
      stranger.login({ email: `${newId()}@example.com`, password: 'x' }).catch((e: unknown) => e)
    await client.login({ email, password: PASSWORD })
    const same = { email: `${ADA}@example.com`, password: 'wrong' }
    let last: unknown
    for (let i = 0; i < 20 && !(last instanceof ApiError && last.status === 429); i++) {
      last = await stranger.login(same).catch((error: unknown) => error)
    }
    expect(last).to.be.instanceOf(ApiError).and.have.property('retryAfter').that.is.greaterThan(0)
    expect(await failure()).to.have.property('retryAfter', undefined)
  })

  it('takes all with it that is kept, and goes', async () => {
    expect((await client.users.get(userId)).email).to.equal(email)
    expect((await client.users.update(userId, { name: 'Ada' })).name).to.equal('Ada')
    const zip = await (await client.users.export(userId)).arrayBuffer()
    expect(new TextDecoder().decode(zip.slice(0, 2))).to.equal('PK')
    await client.users.delete(userId)
    expect(await refused(client.auth.me())).to.deep.equal([401, 'auth.unauthorized'])
  })

  it('looks around as a guest, and stays', async () => {
    const guest = connected()
    expect((await guest.auth.guestTerms()).offered).to.equal(true)
    const { user } = await guest.guest()
    expect(user).to.include({ guest: true, email: '' })
    const mine = `${newId()}@example.com`
    const kept = await guest.keep({ email: mine, password: PASSWORD })
    expect(kept.user).to.include({ id: user.id, guest: false, email: mine })
    expect((await guest.auth.me()).id).to.equal(user.id)
    expect((await guest.starters()).data).to.have.length(5)
    expect(await refused(guest.keep({ email: mine, password: PASSWORD }))).to.deep.equal([409, 'guest.kept'])
  })

  it('has every route', () => {
    expect(ROUTES.filter((name) => !called.has(name))).to.deep.equal([])
    expect([...called].filter((name) => !ROUTES.includes(name))).to.deep.equal([])
  })
})
