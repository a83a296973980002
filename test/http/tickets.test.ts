import { expect } from 'chai'
import { z } from 'zod'
import { signTicket, ticketKeyOf } from '../../src/identity/ticket.ts'
import { ADA } from '../architecture/route-table.ts'
import type { TestUser } from '../support/api-client.ts'
import { testSettings, useApp } from '../support/app.ts'

const issued = z.object({ ticket: z.string(), path: z.string(), expiresAt: z.iso.datetime() })

describe('Tickets, for those who can send no header', () => {
  const app = useApp()
  let user: TestUser
  beforeEach(async () => {
    user = await app.api.register()
  })

  const ticketFor = async (what: string, id: string, by: TestUser = user) => {
    const answer = await by.post('/api/tickets', { for: what, id })
    expect(answer.status).to.equal(201)
    return issued.parse(answer.body)
  }
  const open = async (path: string, headers: Record<string, string> = {}) => {
    const gone = new AbortController()
    const answer = await fetch(app.url + path, { headers, signal: gone.signal })
    const { status } = answer
    const start =
      status === 200 ? new TextDecoder().decode((await answer.body?.getReader().read())?.value) : await answer.text()
    gone.abort()
    return { status, start }
  }
  const talk = async () => {
    const { runId, conversationId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await user.finished(runId)
    return { runId, conversationId }
  }

  it('open the events of a conversation and of a run, the download of a file, the export of a conversation', async () => {
    const { runId, conversationId } = await talk()
    const fileId = await user.upload('a.txt', 'text/plain', 'What I noted.')
    const events = await ticketFor('conversation.events', conversationId)
    expect(Date.parse(events.expiresAt) - Date.now()).to.be.within(0, 300_000)
    expect(events.path).to.equal(`/api/chat/conversations/${conversationId}/events?ticket=${events.ticket}`)
    expect((await open(events.path)).start).to.match(/^retry: |conversation\.snapshot/)
    expect((await open((await ticketFor('run.events', runId)).path)).status).to.be.oneOf([200, 204])
    expect((await open((await ticketFor('file.download', fileId)).path)).start).to.equal('What I noted.')
    const file = await ticketFor('file.download', fileId)
    expect((await open(`${file.path}&disposition=inline`)).status).to.equal(200)
    const text = await ticketFor('conversation.export', conversationId)
    expect((await open(`${text.path}&format=json`)).start).to.match(/^\{"conversation"/)
  })

  it('open nothing else: no other thing, no other route, nothing of others', async () => {
    const { conversationId } = await talk()
    const { conversationId: other } = await talk()
    const { ticket } = await ticketFor('conversation.events', conversationId)
    for (const path of [
      `/api/chat/conversations/${other}/events`,
      `/api/chat/conversations/${conversationId}/export`,
      `/api/chat/conversations/${conversationId}`,
      '/api/auth/me',
      '/api/chat/conversations',
    ])
      expect((await open(`${path}?ticket=${ticket}`)).status, path).to.equal(401)
    const stranger = await app.api.register()
    const theirs = await ticketFor('conversation.events', conversationId, stranger)
    expect((await open(theirs.path)).status).to.equal(404)
    for (const bad of ['', 'x', `${ticket.slice(0, -2)}AA`, ticket.repeat(3), encodeURIComponent('💥')])
      expect((await open(`/api/chat/conversations/${conversationId}/events?ticket=${bad}`)).status, bad).to.be.oneOf([
        400, 401,
      ])
    // A token in a header counts, whatever ticket is beside it.
    const own = { authorization: `Bearer ${user.token}` }
    expect((await open(`/api/chat/conversations/${conversationId}/export?ticket=x`, own)).status).to.equal(200)
    for (const body of [
      {},
      { for: 'everything', id: other },
      { for: 'run.events', id: 'x' },
      { for: 'run.events', id: other, until: 1 },
    ])
      expect((await user.post('/api/tickets', body)).status).to.equal(400)
  })

  it('end with their time, and with their session', async () => {
    const { conversationId } = await talk()
    const { path } = await ticketFor('conversation.export', conversationId)
    const [plain = ''] = path.split('?')
    const [session] = Object((await user.get('/api/auth/sessions')).body).data
    const holder = { userId: user.id, sessionId: session.id }
    const key = ticketKeyOf(testSettings.JWT_SECRET)
    const late = signTicket(key, plain, holder, new Date(Date.now() - 1))
    expect((await open(`${plain}?ticket=${late}`)).status).to.equal(401)
    const foreign = signTicket(ticketKeyOf('another secret'), plain, holder, new Date(Date.now() + 10_000))
    expect((await open(`${plain}?ticket=${foreign}`)).status).to.equal(401)
    expect((await open(path)).status).to.equal(200)
    expect((await user.post('/api/auth/logout', undefined)).status).to.equal(204)
    expect((await open(path)).status).to.equal(401)
  })
})
