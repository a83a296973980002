import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { apiKey, party } from '../architecture/route-table.ts'
import { type Answer, errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'
const MOST = 3

describe('What a user may have', () => {
  const most = String(MOST)
  const app = useApp({
    worker: false,
    env: { USER_AGENTS: most, USER_CONNECTIONS: most, USER_CONVERSATIONS: most, USER_KEYS: most, USER_PARTIES: most },
  })
  let user: TestUser
  beforeEach(async () => {
    user = await app.api.register()
  })

  const kinds: Record<string, (by: TestUser) => Promise<Answer>> = {
    agent: (by) => by.post('/api/agents', { name: 'N', instructions: 'I' }),
    connection: (by) => by.post('/api/connections', { name: 'N', provider: 'demo', model: 'demo', isDefault: true }),
    key: (by) => by.post('/api/keys', apiKey),
    party: (by) => by.post('/api/parties', party),
    conversation: (by) => by.post('/api/chat', { agentId: ADA, message: 'Hello' }),
  }
  for (const [what, create] of Object.entries(kinds)) {
    it(`is bounded: no ${what} slips in between two that count, and others are not concerned`, async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => create(user)))
      const refused = answers.filter(({ status }) => status === 409)
      expect(answers.filter(({ status }) => status === 201 || status === 202)).to.have.length(MOST)
      expect(refused).to.have.length(12 - MOST)
      for (const answer of refused) {
        expect(errorOf(answer)).to.deep.include({ code: `${what}.too_many`, details: { limit: MOST } })
      }
      expect((await create(await app.api.register())).status).to.be.oneOf([201, 202])
    })
  }

  it('gets room again by deletion', async () => {
    const ids = await Promise.all(
      Array.from({ length: MOST }, () => user.create('/api/agents', { name: 'N', instructions: 'I' })),
    )
    await user.delete(`/api/agents/${ids[0]}`)
    await user.create('/api/agents', { name: 'N', instructions: 'I' })
  })

  it('stops no conversation that is there, and repeats an answer to its key', async () => {
    const key = { 'idempotency-key': randomUUID() }
    const body = { agentId: ADA, message: 'Hello' }
    const first = await user.accept('/api/chat', body, key)
    for (let i = 1; i < MOST; i++) await user.accept('/api/chat', body)
    expect((await user.post('/api/chat', body)).status).to.equal(409)
    expect(await user.accept('/api/chat', body, key)).to.deep.equal(first)
    await user.accept('/api/chat', { ...body, conversationId: first.conversationId })
  })
})
