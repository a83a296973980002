import { expect } from 'chai'
import { z } from 'zod'
import type { TestUser } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { eventually } from '../support/pace.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import type { WireRequest } from '../support/wire-server.ts'
import { DIALECTS, type Dialect } from './dialect-zoo.ts'
import { MODELS, useField } from './field-world.ts'

const NAMES = ['Ada', 'Otto', 'Clara']
const FILE = 'The bridge at Arnhem was inspected by Marta Quist in 1987.'
/** Long enough for the minutes to be wanted within one party. */
const WORDS = 'Whoever asks about the bridge should know who inspected it, and when, and what was found then. '.repeat(
  9,
)

type Kind = 'decision' | 'title' | 'summary' | 'speech'
const kindOf = ({ messages }: WireRequest): Kind => {
  const all = messages.map(({ text }) => text).join('\n')
  if (all.includes('You moderate a conversation')) return 'decision'
  if (all.includes('Name this conversation')) return 'title'
  return all.includes('Keep the minutes') ? 'summary' : 'speech'
}
const speakerOf = ({ messages }: WireRequest): string => /^You are (\w+)\./.exec(messages[0]?.text ?? '')?.[1] ?? '?'

for (const profile of QUEUES) {
  describe(`A party of three with a file, a supervisor, a title and minutes, queue on ${profile}`, function () {
    this.timeout(60_000)
    const redis = useRedis(profile)
    const field = useField(async () => ({
      env: { TITLE_ATTEMPTS: '2', CONTEXT_TOKEN_BUDGET: '500', ...redis.env },
    }))
    let user: TestUser
    let fileId: string
    before(async () => {
      user = await field.guest()
      fileId = await user.upload('bridge.txt', 'text/plain', FILE)
    })

    const hold = async (dialect: Dialect) => {
      const refusals: WireRequest[] = []
      let decisions = 0
      field.server.script((request) => {
        const refusal = dialect.refuse?.(request)
        if (refusal) {
          refusals.push(request)
          return refusal
        }
        const text = {
          decision: () => `{"done": false, "handBackToUser": false, "next": "${NAMES[decisions++]}", "reason": "x"}`,
          title: () => 'Who inspected the bridge',
          summary: () => 'They spoke about the bridge.',
          speech: () => `${speakerOf(request)} speaks. ${WORDS}`.trim(),
        }[kindOf(request)]()
        return dialect.answer(text, request)
      })
      const agentIds = await user.agentsOn(
        {
          provider: dialect.provider,
          baseUrl: `${field.server.url}${dialect.base ?? '/v1'}`,
          model: dialect.model ?? MODELS[dialect.provider] ?? 'm',
        },
        NAMES,
      )
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Who inspected the bridge at Arnhem?',
        strategy: 'supervisor',
        maxTurns: 3,
        fileIds: [fileId],
      })
      const run = await user.finished(runId, 30_000)
      // Chores end behind the run.
      const title = await eventually(async () => {
        const { body } = await user.get(`/api/chat/conversations/${conversationId}`)
        return z.object({ title: z.string().nullable() }).parse(body).title ?? undefined
      })
      const { summaries, requests } = await eventually(async () => {
        const rows: Array<{ text: string }> = await field.app.container.db.query(
          'SELECT text FROM conversation_summaries WHERE conversation_id = $1',
          [conversationId],
        )
        const requests = [...field.server.requests]
        const asked = requests.filter((one) => kindOf(one) === 'summary' && !refusals.includes(one)).length
        return rows.length > 0 && rows.length === asked ? { summaries: rows, requests } : undefined
      })
      await expectSettledOnce(field.app.container.db, runId)
      return { run, title, summaries, refusals, conversationId, requests }
    }

    for (const dialect of DIALECTS) {
      it(`${dialect.name}: all speak, usage is right, and no request is made twice`, async () => {
        const { run, title, summaries, refusals, conversationId, requests } = await hold(dialect)
        expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns', error: null, notices: [] })
        const said = (await user.messages(conversationId)).filter(({ role }) => role === 'agent')
        expect(said.map(({ agentName, content }) => [agentName, content])).to.deep.equal(
          NAMES.map((name) => [name, `${name} speaks. ${WORDS}`.trim()]),
        )
        expect(title).to.equal('Who inspected the bridge')
        for (const { text } of summaries) expect(text).to.equal('They spoke about the bridge.')
        expect(refusals).to.have.length(dialect.lessons)
        const counts = { decision: 0, title: 0, summary: 0, speech: 0 }
        for (const request of requests) if (!refusals.includes(request)) counts[kindOf(request)] += 1
        expect(counts).to.deep.equal({ decision: 3, title: 1, summary: summaries.length, speech: 3 })
        for (const request of requests.filter((one) => kindOf(one) === 'speech')) {
          expect(request.messages.map(({ text }) => text).join('\n')).to.contain(FILE)
        }
        const { input, output } = dialect.usage
        // Three decisions and three speeches.
        expect(run.receipt).to.deep.include({ inputTokens: 6 * input, outputTokens: 6 * output, estimated: false })
        expect(run.receipt.lost).to.equal('0.000000')
      })
    }
  })
}
