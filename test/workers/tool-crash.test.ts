import { expect } from 'chai'
import type { ServerEvent } from '../../src/contract/events.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import type { TurnStep } from '../../workers/processors/turn.processor.ts'
import { type BoundTool, ToolFailed, type ToolSource } from '../../workers/tools/tool-source.ts'
import { startWorker } from '../../workers/worker.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { startApp, type TestApp, testSettings } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { EFFECT_SERVER, type Effects, EffectTools, startEffects } from '../support/effects.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, type MockRequest, startMockLlm } from '../support/mock-llm.ts'
import { usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { answered, isBehindCall } from './party-world.ts'

/** What comes before and after is the way of any turn, whose steps the crash matrix has. */
const STEPS: TurnStep[] = [
  'stream.ended',
  'step.written',
  'step.committed',
  'tool.planned',
  'tool.started',
  'tool.ran',
  'tool.ended',
  'settle.written',
]
/** What happens with a queue on Redis happens in the same rows. */
const FEW: TurnStep[] = ['step.committed', 'tool.started', 'tool.ran']
interface Decided {
  policy?: 'allow' | 'ask'
  /** What somebody decides, once the run waits for it; nobody is asked without. */
  decision?: 'approve' | 'deny' | 'expire' | 'cancel'
  /** What the worker that takes over has in the place of the first one's tools. */
  later?: ToolSource
}

const USAGE = { inputTokens: 100, outputTokens: 10 }

/** The same tools, which cannot be asked. */
class RefusingTools extends EffectTools {
  override async toolsOf(agent: Parameters<EffectTools['toolsOf']>[0]): Promise<BoundTool[]> {
    const run = async () => {
      throw new ToolFailed('mcp.unreachable', 'It could not be reached.')
    }
    return (await super.toolsOf(agent)).map(({ tool }) => ({ tool, run }))
  }
}

for (const profile of QUEUES) {
  describe(`A worker killed while an agent uses a tool, queue on ${profile}`, function () {
    this.timeout(60_000)
    usePace()
    const redis = useRedis(profile)
    let llm: MockLlm
    let effects: Effects
    let app: TestApp
    let drop: () => Promise<void>
    let settings: Record<string, string>

    before(async () => {
      llm = await startMockLlm()
      effects = await startEffects()
      const database = await createDatabase()
      drop = database.drop
      settings = { TURN_LEASE_MS: '1500', REDISPATCH_AFTER_MS: '500', JOB_LOCK_MS: '1500', ...redis.env }
      app = await startApp({ databaseUrl: database.url, worker: false, env: settings })
    })
    after(async () => {
      await app?.close()
      await drop?.()
      effects?.stop()
      await llm?.stop()
    })
    beforeEach(() => {
      llm.reset()
      effects.reset()
    })

    /** Resolves when a run waits for people. */
    const waits = async (user: TestUser, { runId, conversationId }: { runId: string; conversationId: string }) => {
      const is = Promise.withResolvers<void>()
      const look = async () => {
        if ((await user.run(runId)).status === 'waiting') is.resolve()
      }
      const unsubscribe = await app.container.feed.subscribe(conversationId, () => void look())
      await look()
      await is.promise
      await unsubscribe()
    }

    /** A run whose agent calls this tool once, in a worker that dies at that step; another finishes it. */
    const killedAt = async (step: TurnStep, tool: string, { policy = 'allow', decision, later }: Decided = {}) => {
      llm.reply({ ...answered('It is done, as far as I know.'), usage: USAGE })
      llm.reply({
        when: { match: (request) => !isBehindCall(request) },
        text: 'I do it.',
        toolCalls: [{ name: tool, arguments: { what: 'tea' } }],
        usage: USAGE,
      })
      const user = await app.api.register()
      const baseUrl = llm.baseUrl('openai-compatible')
      const [agentId = ''] = await user.agentsOn({ provider: 'openai-compatible', baseUrl }, ['Ada'])
      // As if a server of the user's had these tools.
      const tools = JSON.stringify([{ serverId: EFFECT_SERVER, name: tool, policy }])
      await app.container.db.query('UPDATE agents SET tools = $2 WHERE id = $1', [agentId, tools])
      const env = {
        ...testSettings,
        ...settings,
        DATABASE_URL: app.env.DATABASE_URL,
        CRASH_AT: step,
        EFFECTS_URL: effects.url,
      }
      const victim = startProcess('test/support/crashing-worker.ts', { env })
      await victim.waitForLine(/^ready$/)
      const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Make tea.' })
      expect(await victim.ended).to.deep.include({ signal: 'SIGKILL' })
      const told: ServerEvent[] = []
      const unsubscribe = await app.container.feed.subscribe(conversationId, (event) => void told.push(event))
      await app.container.turnRepository.voidLeases()
      const standby = async () => {
        const shutdown = new Shutdown(silentLogger)
        await startWorker({ ...app.container, shutdown }, { toolSources: [later ?? new EffectTools(effects.url)] })
        return shutdown
      }
      let shutdown = await standby()
      try {
        if (decision) {
          await waits(user, { runId, conversationId })
          // No worker is there when somebody decides.
          await shutdown.close()
          const { data } = Object((await user.get('/api/chat/approvals')).body)
          if (decision === 'cancel') {
            await user.post(`/api/chat/runs/${runId}/cancel`, {})
            const { status } = await user.finished(runId)
            expect(status).to.equal('cancelled')
            const calls = Object((await user.get(`/api/chat/runs/${runId}/tool-calls`)).body).data
            const end = told.find(({ type }) => type === 'turn.completed')
            expect(Object(end).message.toolCalls).to.have.length(1)
            expect(Object(end).message.toolCalls[0]).to.deep.include({ status: calls[0].status })
            return { status: calls[0].status, calls: calls.length }
          }
          if (decision === 'expire') {
            await app.container.db.query('UPDATE tool_calls SET expires_at = now() WHERE run_id = $1', [runId])
            await app.container.db.query('UPDATE turns SET due_at = now() WHERE run_id = $1', [runId])
          } else {
            if (tool === 'doubted') {
              // Who says yes elsewhere, where the first question still stands, has no word on this one.
              const late = await user.post(`/api/chat/approvals/${data[0].id}`, { decision, wasStarted: false })
              expect(errorOf(late).code).to.equal('approval.over')
              // Nor has who does not say which one they answer; a no does no harm.
              const blind =
                decision === 'approve' && (await user.post(`/api/chat/approvals/${data[0].id}`, { decision }))
              if (blind) expect(errorOf(blind).code).to.equal('approval.asked_again')
            }
            const wasStarted = tool === 'doubted' && decision === 'approve' ? { wasStarted: true } : {}
            const answer = await user.post(`/api/chat/approvals/${data[0].id}`, { decision, ...wasStarted })
            expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
          }
          shutdown = await standby()
        }
        const run = await user.finished(runId)
        expect(run).to.deep.include({ status: 'completed', error: null })
        const messages = await user.messages(conversationId)
        expect(messages.slice(1).map(({ content }) => content)).to.deep.equal([
          'I do it.\n\nIt is done, as far as I know.',
        ])
        // Two model calls, paid once each, whatever was tried.
        expect(run.receipt).to.deep.include({ turns: 1, steps: 1, inputTokens: 200, outputTokens: 20 })
        await expectSettledOnce(app.container.db, runId)
        const open = await app.container.db.query(
          `SELECT call FROM tool_calls WHERE run_id = $1 AND status IN ('planned', 'awaiting', 'approved', 'started')`,
          [runId],
        )
        expect(open).to.deep.equal([])
        // Whoever looks on need not look again to see how it ended.
        const last = told.findLast((event) => 'call' in event)
        expect(last).to.deep.include({
          type: messages[1]?.toolCalls?.[0]?.status === 'done' ? 'tool.completed' : 'tool.failed',
        })
        expect(Object(last).call.status).to.equal(messages[1]?.toolCalls?.[0]?.status)
        return { status: messages[1]?.toolCalls?.[0]?.status, calls: messages[1]?.toolCalls?.length }
      } finally {
        await unsubscribe()
        await shutdown.close()
      }
    }

    for (const step of profile === 'Redis' ? [] : (['step.committed', 'settle.written'] as const)) {
      it(`at "${step}" of an answer that is given once more: the first is neither given nor paid again`, async () => {
        llm.replyOnce({ text: 'Rome.', usage: USAGE }).reply({ text: '{"city": "Rome"}', usage: USAGE })
        const user = await app.api.register()
        const baseUrl = llm.baseUrl('openai-compatible')
        const [agentId = ''] = await user.agentsOn({ provider: 'openai-compatible', baseUrl }, ['Ada'])
        const env = { ...testSettings, ...settings, DATABASE_URL: app.env.DATABASE_URL, CRASH_AT: step }
        const victim = startProcess('test/support/crashing-worker.ts', { env })
        await victim.waitForLine(/^ready$/)
        const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
        const said = { agentId, message: 'Where?', answer: { schema } }
        const { runId, conversationId } = await user.accept('/api/chat', said)
        expect(await victim.ended).to.deep.include({ signal: 'SIGKILL' })
        await app.container.turnRepository.voidLeases()
        const shutdown = new Shutdown(silentLogger)
        await startWorker({ ...app.container, shutdown })
        try {
          const run = await user.finished(runId)
          expect(run).to.deep.include({ status: 'completed', error: null })
          expect(run.receipt).to.deep.include({ turns: 1, steps: 1, inputTokens: 200, outputTokens: 20 })
          const [, last] = await user.messages(conversationId)
          expect(last).to.deep.include({ content: '{"city": "Rome"}', data: { city: 'Rome' } })
          const isFirst = ({ body }: MockRequest) => !JSON.stringify(body).includes('not as asked for')
          expect(llm.requests.filter(isFirst)).to.have.length(1)
          await expectSettledOnce(app.container.db, runId)
        } finally {
          await shutdown.close()
        }
      })
    }

    for (const step of profile === 'Redis' ? FEW : STEPS) {
      it(`at "${step}": a tool that takes our key has done its deed exactly once`, async () => {
        expect(await killedAt(step, 'keyed')).to.deep.equal({ status: 'done', calls: 1 })
        expect(effects.deeds()).to.have.length(1)
      })
    }

    it('while it asks: the question stands after a restart, the answer needs no worker, and the deed is done once', async () => {
      expect(await killedAt('tool.waits', 'plain', { policy: 'ask', decision: 'approve' })).to.deep.equal({
        status: 'done',
        calls: 1,
      })
      expect(effects.requests).to.have.length(1)
    })

    // What is decided on in the rows is the same wherever the queue is.
    if (profile === 'Redis') return

    for (const step of ['tool.started', 'tool.ran'] as const) {
      it(`at "${step}": a tool without a key is never started twice, and its unknown outcome is told`, async () => {
        const { status, calls } = await killedAt(step, 'plain')
        expect(calls).to.equal(1)
        expect(status).to.equal('unknown')
        expect(effects.requests).to.have.length(step === 'tool.started' ? 0 : 1)
        expect(JSON.stringify(llm.requests.at(-1)?.body)).to.include('nobody knows whether it did its work')
      })
    }

    for (const [what, later] of [
      ['cannot be reached any more', new RefusingTools('')],
      ['is gone', { toolsOf: async () => [] }],
    ] as const) {
      it(`in the middle of a deed with our key whose tool ${what}: its outcome is unknown, and not that it did nothing`, async () => {
        expect(await killedAt('tool.ran', 'keyed', { later })).to.deep.equal({ status: 'unknown', calls: 1 })
        expect(effects.deeds()).to.have.length(1)
        expect(JSON.stringify(llm.requests.at(-1)?.body)).to.include('nobody knows whether it did its work')
      })
    }

    for (const [decision, status, deeds] of [
      ['approve', 'done', 2],
      ['deny', 'unknown', 1],
      ['expire', 'unknown', 1],
      ['cancel', 'unknown', 1],
    ] as const) {
      it(`in the middle of a deed that a person is to judge: ${decision}, and it is ${status}`, async () => {
        expect(await killedAt('tool.ran', 'doubted', { decision })).to.deep.equal({ status, calls: 1 })
        expect(effects.requests).to.have.length(deeds)
      })
    }
  })
}
