import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { z } from 'zod'
import { parseCredits } from '../../src/shared/money.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { isDecision, usePartyWorld } from './party-world.ts'

const estimateBody = z.strictObject({
  low: z.string(),
  high: z.string(),
  perAgent: z.array(z.strictObject({ agentId: z.string(), low: z.string(), high: z.string() })),
})

describe('An estimate', function () {
  this.timeout(30_000)
  const world = usePartyWorld({ env: { RECONCILE_INTERVAL_MS: '60000' } })

  const estimated = async (user: TestUser, body: unknown) => {
    const answer = await user.post('/api/credits/estimate', body)
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
    const { low, high, perAgent } = estimateBody.parse(answer.body)
    return { low: parseCredits(low), high: parseCredits(high), agentIds: perAgent.map(({ agentId }) => agentId) }
  }
  const upload = (user: TestUser, text: string) => user.upload('notes.txt', 'text/plain', text)

  for (const strategy of ['round_robin', 'supervisor', 'panel'] as const) {
    it(`of a party (${strategy}) holds what the party then costs, and neither holds nor starts anything`, async () => {
      const { user, agentIds } = await world.guests(['Ada', 'Blaise', 'Clara'])
      world.llm
        .reply({ text: 'Tea, I should say.', usage: { inputTokens: 300, outputTokens: 260 } })
        .reply({ when: { match: isDecision }, text: '{}', usage: { inputTokens: 120, outputTokens: 30 } })
      const body = { agentIds, message: 'Tea or coffee?', strategy, maxTurns: 4 }
      const before = (await user.get('/api/credits/balance')).body
      const { low, high, agentIds: named } = await estimated(user, body)
      expect(named).to.deep.equal(agentIds)
      expect((await user.get('/api/credits/balance')).body).to.deep.equal(before)
      expect((await user.get('/api/chat/conversations')).body).to.deep.equal({ data: [], nextCursor: null })
      expect(world.llm.requests).to.deep.equal([])

      const { runId } = await user.accept('/api/chat/multi-agent', body)
      const cost = parseCredits((await user.finished(runId)).receipt.credits)
      expect(cost >= low, `${cost} is less than ${low}`).to.equal(true)
      expect(cost <= high, `${cost} is more than ${high}`).to.equal(true)
    })
  }

  it('counts the files that come with the message, and those that the conversation has', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const [agentId] = agentIds
    world.llm.reply('I have read it.')
    const fileId = await upload(user, 'The bridge was inspected by Marta Quist in 1987. '.repeat(60))
    const plain = await estimated(user, { agentId, message: 'Who inspected it?' })
    const { runId, conversationId } = await user.accept('/api/chat', {
      agentId,
      message: 'Who inspected it?',
      fileIds: [fileId],
    })
    await user.finished(runId)
    const withFile = await estimated(user, { agentId, message: 'Who inspected it?', fileIds: [fileId] })
    expect(withFile.low > plain.low).to.equal(true)
    const later = await estimated(user, { agentId, message: 'And when?', conversationId })
    expect(later.low > withFile.low, 'the file and what was said').to.equal(true)
    const again = await estimated(user, { agentId, message: 'And when?', conversationId, fileIds: [fileId] })
    expect(again.low, 'a file counts once').to.equal(later.low)
  })

  it('reads no more of a conversation than a turn could, however long its messages are', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const [agentId] = agentIds
    world.llm.reply('Yes.')
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Are you there?' })
    await user.finished(runId)
    const { container } = world.app
    const most = 4 * container.env.CONTEXT_TOKEN_BUDGET
    const say = (length: number) =>
      container.db.query(`UPDATE messages SET content = repeat('"', $2) WHERE conversation_id = $1 AND seq = 2`, [
        conversationId,
        length,
      ])
    await say(2_000_000)
    const request = { conversationId, runId: randomUUID(), waitingRunIds: [] }
    const texts = await container.messageRepository.transcriptTexts(request, container.env.CONTEXT_TOKEN_BUDGET)
    expect(texts.reduce((sum, text) => sum + text.length, 0)).to.be.within(most, most + 100)
    const whole = await estimated(user, { agentId, message: 'And now?', conversationId })
    await say(most)
    expect(await estimated(user, { agentId, message: 'And now?', conversationId })).to.deep.equal(whole)
  })

  it("refuses what the request itself would be refused for: another's files, conversation or agents", async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const other = await world.guests(['Blaise'])
    world.llm.reply('Hello.')
    const { runId, conversationId } = await other.user.accept('/api/chat', {
      agentId: other.agentIds[0],
      message: 'Mine',
    })
    await other.user.finished(runId)
    const fileIds = [await upload(other.user, 'Mine')]
    const [agentId] = agentIds
    const refused = async (body: unknown) => {
      const answer = await user.post('/api/credits/estimate', body)
      return `${answer.status} ${errorOf(answer).code}`
    }
    expect(await refused({ agentId, message: 'Hi', fileIds })).to.equal('404 file.not_found')
    expect(await refused({ agentId, message: 'Hi', conversationId })).to.equal('404 conversation.not_found')
    expect(await refused({ agentId: other.agentIds[0], message: 'Hi' })).to.equal('404 agent.not_found')
    expect(await refused({ agentId, message: '' })).to.equal('400 request.invalid')
  })
})
