import { expect } from 'chai'
import { loadedBy, readSources } from '../architecture/source-files.ts'
import { useCluster } from '../support/cluster.ts'
import { type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { usePace } from '../support/pace.ts'
import { SocketTap } from '../support/socket-tap.ts'

const WORDS = 'Zwieback and marmalade'
const NAME = 'Apollonia'

describe('Traces', () => {
  usePace()
  let collector: Awaited<ReturnType<typeof startOtlpReceiver>>
  const env: Record<string, string> = { OTEL_BSP_SCHEDULE_DELAY: '100' }
  before('a collector', async () => {
    collector = await startOtlpReceiver()
    env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url
  })
  after(() => collector.close())
  const at = useCluster({ webs: 1, workers: 1, env })
  const provider = () => ({
    provider: 'openai-compatible',
    baseUrl: at.llm.baseUrl('openai-compatible'),
    model: 'a-model',
  })
  /** The spans of a run: of its request, its turns and their calls. */
  const traceOf = async (runId: string, turns: number, calls: number) => {
    const ofRun = await collector.spans((span) => span.attributes['chatsparty.run.id'] === runId, turns)
    const traceId = ofRun[0]?.traceId
    const all = await collector.spans((span) => span.traceId === traceId, 1 + turns + calls)
    const named = (name: string) => all.filter((span) => span.name === name)
    return { traceId, all, turns: named('invoke_agent'), calls: named('chat a-model'), named }
  }
  const parents = (spans: ReceivedSpan[]) => spans.map(({ parentSpanId }) => parentSpanId)

  it('show a party as one: its request, each attempt at a turn, each call, from two processes, without a word', async () => {
    const user = await at.cluster.api().register()
    const agentIds = await user.agentsOn(provider(), [NAME, 'Bartholomew'])
    at.llm.replyOnce({ status: 503, times: 1 }).reply({ text: WORDS, usage: { inputTokens: 12, outputTokens: 3 } })
    const client = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
    const headers = { traceparent: `00-${client.traceId}-${client.spanId}-01` }
    const body = { agentIds, message: `${WORDS}?`, maxTurns: 2 }
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', body, headers)
    await user.finished(runId)
    const { traceId, turns, calls, named, all } = await traceOf(runId, 3, 3)
    expect(traceId).to.equal(client.traceId)
    expect(all.length).to.equal(7)
    const [request] = named('POST /api/chat/multi-agent')
    expect(request).to.deep.include({ parentSpanId: client.spanId, pid: at.cluster.web(0).pid })
    expect(request?.attributes).to.deep.include({ 'http.response.status_code': 202, 'user.id': user.id })
    expect(parents(turns)).to.deep.equal([request?.spanId, request?.spanId, request?.spanId])
    const attempts = turns.map(({ attributes: a, pid }) => [a['chatsparty.turn'], a['chatsparty.attempt'], pid])
    const { pid } = at.cluster.worker(0)
    expect(attempts.toSorted()).to.deep.equal([
      [0, 1, pid],
      [0, 2, pid],
      [1, 1, pid],
    ])
    for (const turn of turns) {
      expect(turn.attributes).to.deep.include({
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.conversation.id': conversationId,
        'session.id': conversationId,
        'chatsparty.request.id': request?.attributes['chatsparty.request.id'],
      })
    }
    expect(parents(calls).toSorted()).to.deep.equal(turns.map(({ spanId }) => spanId).toSorted())
    const refused = calls.find(({ status }) => status?.code === 2)
    expect(refused?.attributes['error.type']).to.equal('provider.unavailable')
    const answered = calls.filter((call) => call !== refused)
    for (const call of answered) {
      expect(call.attributes).to.deep.include({
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'a-model',
        'gen_ai.usage.input_tokens': 12,
        'gen_ai.usage.output_tokens': 3,
        'gen_ai.response.finish_reasons': 'stop',
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(at.llm.url).port),
      })
    }
    const sent = collector.bodies.join()
    for (const text of [WORDS, NAME, user.email, 'test-key-1234']) expect(sent).not.to.contain(text)
  })

  it('go on when the worker dies and the queue forgets: the row knows whose trace it is; a socket begins one too', async () => {
    const user = await at.cluster.api().register()
    const [agentId] = await user.agentsOn(provider(), [NAME])
    at.llm.reset()
    const hold = at.llm.hold(0)
    at.llm.replyOnce({ text: WORDS, hold }).reply(WORDS)
    const tap = await new SocketTap(at.cluster.web(0).url, user.token).connected()
    const accepted = Object(await tap.ask('message.send', { agentId, message: 'Hello?' }))
    await hold.reached
    await at.cluster.worker(0).kill('SIGKILL')
    await at.redis.flush()
    hold.release()
    await at.cluster.worker(0).start()
    const runId = accepted.runId ?? accepted.data?.runId
    await user.finished(runId)
    // What the first worker had begun was never sent: it was killed.
    const { turns, calls, named } = await traceOf(runId, 1, 1)
    const [sent] = named('message.send')
    expect(sent?.pid).to.equal(at.cluster.web(0).pid)
    expect(parents(turns)).to.deep.equal([sent?.spanId])
    expect(turns[0]?.attributes['chatsparty.attempt']).to.equal(2)
    expect(parents(calls)).to.deep.equal([turns[0]?.spanId])
    tap.close()
  })
})

describe('Without a collector', () => {
  it('nothing of OpenTelemetry is loaded: a web process and a worker know no more than an interface', () => {
    const sources = readSources('src', 'workers')
    for (const entry of ['src/server.ts', 'workers/main.ts']) {
      const { libraries } = loadedBy(entry, sources)
      expect([...libraries.keys()].filter((name) => name.startsWith('@opentelemetry/'))).to.deep.equal([])
    }
  })
})
