import { HttpAgent } from '@ag-ui/client'
import { HttpAgent as OlderHttpAgent } from 'ag-ui-client-0.0.59'
import { expect } from 'chai'
import fc from 'fast-check'
import type { ConversationEvent } from '../../src/contract/events.ts'
import { AgUiStream } from '../../src/doors/ag-ui/ag-ui-stream.ts'
import { RunScript } from '../../src/doors/run-script.ts'
import { NAMES, RUN, type ScriptedTurn, scriptedRun, scripts } from '../support/scripted-run.ts'

const FIRST = { id: 'u1', role: 'user' as const, content: 'Tea or coffee?' }
const REQUEST = { threadId: 'thread', runId: 'mine', protocolVersion: undefined, messages: [FIRST], isAnswer: false }

/** The events of a run as they go over the wire. */
function written(events: ConversationEvent[], protocolVersion?: string) {
  const stream = new AgUiStream({ ...REQUEST, protocolVersion })
  const script = new RunScript(RUN, NAMES)
  const [first] = events
  if (first?.type !== 'run.updated') throw new Error('a run begins with its row')
  const steps = events.flatMap((event) => script.take(event))
  return [...stream.begin(first.run), ...steps.flatMap((step) => stream.take(step))]
}

/** What a client shows that was answered so: it fails where an event is not as it should be. */
const CLIENTS = {
  '1.0.0': async (fetch: () => Promise<Response>) => {
    const client = new HttpAgent({ url: 'http://localhost', threadId: 'thread', initialMessages: [FIRST], fetch })
    await client.runAgent({ runId: 'mine' })
    return client.messages
  },
  '0.0.59': async (fetch: () => Promise<Response>) => {
    const client = new OlderHttpAgent({ url: 'http://localhost', threadId: 'thread', initialMessages: [FIRST], fetch })
    await client.runAgent({ runId: 'mine' })
    return client.messages
  },
}
const answer = (events: unknown[]) => async () =>
  new Response(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  })

describe('The AG-UI events of a run', () => {
  for (const [version, show] of Object.entries(CLIENTS)) {
    it(`leave client ${version} with what was said, whatever is lost, tried again or said at the same time`, () =>
      fc.assert(
        fc.asyncProperty(scripts, async ({ steps, pick }) => {
          const { happenings, messages } = scriptedRun(steps, pick)
          const shown = await show(answer(written(happenings.map(({ event }) => event))))
          const lines = shown.slice(1).map((message) => ('name' in message ? [message.name, message.content] : []))
          const said = messages.slice(1).map(({ agentName, content }) => [agentName, content])
          // Those of a panel are shown in the order in which they began.
          expect(lines).to.have.deep.members(said)
        }),
        { numRuns: 100 },
      ))
  }

  it('take back what an attempt said by a snapshot of all else', () => {
    const script: ScriptedTurn = { lost: [['Half a ']], words: ['Whole.'], end: 'said' }
    const events = written(scriptedRun([[script]], () => 0).happenings.map(({ event }) => event))
    expect(events.map(({ type }) => type)).to.deep.equal([
      ...['RUN_STARTED', 'STEP_STARTED', 'TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT'],
      ...['TEXT_MESSAGE_END', 'MESSAGES_SNAPSHOT', 'TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END'],
      ...['STEP_FINISHED', 'RUN_FINISHED'],
    ])
    expect(events.find(({ type }) => type === 'MESSAGES_SNAPSHOT')).to.deep.include({ messages: [FIRST] })
  })

  it('say that a run was cancelled to those who know the word', () => {
    const { happenings } = scriptedRun([[{ lost: [], words: ['Half'], end: 'said' }]], () => 0, 'cancelled')
    const events = happenings.map(({ event }) => event)
    expect(written(events, '1.0').at(-1)).to.deep.include({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } })
    expect(written(events).at(-1)).to.include({ type: 'RUN_FINISHED' }).and.not.have.property('outcome')
  })

  it('say why a run failed, with its code', () => {
    const { happenings } = scriptedRun([[{ lost: [], words: [], end: 'failed' }]], () => 0, 'failed')
    const events = written(happenings.map(({ event }) => event))
    expect(events.at(-1)).to.deep.include({ type: 'RUN_ERROR', message: 'Bad.', code: 'provider.bad' })
  })
})
