import { readUIMessageStream, type UIMessage, type UIMessageChunk, uiMessageChunkSchema } from 'ai'
import { expect } from 'chai'
import fc from 'fast-check'
import type { ConversationEvent } from '../../src/contract/events.ts'
import type { RunView } from '../../src/contract/views.ts'
import { RunScript } from '../../src/doors/run-script.ts'
import { answersIn } from '../../src/doors/ui/ui.schemas.ts'
import { uiMessages } from '../../src/doors/ui/ui-history.ts'
import { type UiChunk, UiStream } from '../../src/doors/ui/ui-stream.ts'
import { toolChunks, type UiToolChunk } from '../../src/doors/ui/ui-tool.ts'
import { StreamPosition } from '../../src/realtime/stream-position.ts'
import { missedEvents } from '../../src/realtime/stream-replay.ts'
import { newId } from '../../src/shared/ids.ts'
import { CONVERSATION, NAMES, RUN, type ScriptedTurn, scriptedRun, scripts } from '../support/scripted-run.ts'

/** Reads chunks as the AI SDK's own client does: the message at the end, and the words of an error. */
async function readUi(chunks: UiChunk[]): Promise<{ message: UIMessage | undefined; errors: string[] }> {
  const errors: string[] = []
  const stream = ReadableStream.from<UIMessageChunk>(chunks)
  let message: UIMessage | undefined
  for await (const one of readUIMessageStream({ stream, onError: (error) => errors.push(String(error)) })) message = one
  return { message, errors }
}

/** The chunks of a stream that begins when the run stands so. */
function written(run: RunView, events: ConversationEvent[]): UiChunk[] {
  const stream = new UiStream()
  const script = new RunScript(RUN, NAMES)
  const steps = events.flatMap((event) => script.take(event))
  return [...stream.begin(run), ...steps.flatMap((step) => stream.take(step))]
}

/** All chunks of a run. */
const chunksOf = (script: ScriptedTurn[][], end?: 'failed' | 'cancelled'): UiChunk[] => {
  const { happenings, run } = scriptedRun(script, () => 0, end)
  return written(
    run,
    happenings.map(({ event }) => event),
  )
}

/** Parts but for the marks of steps; as they went over the wire. */
const shown = (message: Pick<UIMessage, 'parts'> | undefined) =>
  message?.parts.filter(({ type }) => type !== 'step-start').map((part) => JSON.parse(JSON.stringify(part)))

describe('The UI message stream of a run', () => {
  it('leaves a client with what the history shows, whatever is lost, tried again or said at the same time', () =>
    fc.assert(
      fc.asyncProperty(scripts, async ({ steps, pick }) => {
        const { happenings, run, messages } = scriptedRun(steps, pick)
        const { message, errors } = await readUi(
          written(
            run,
            happenings.map(({ event }) => event),
          ),
        )
        const [, answer] = uiMessages(messages, new Map([[run.id, run]]))
        expect(errors).to.deep.equal([])
        expect(shown(message)).to.deep.equal(shown(answer) ?? [])
        expect(message?.id).to.equal(RUN)
        expect(message?.metadata).to.deep.include({ status: 'completed', stopReason: 'finished' })
      }),
      { numRuns: 200 },
    ))

  it('leads to the same from any moment on: with what was missed until then, and what follows it', () =>
    fc.assert(
      fc.asyncProperty(scripts, fc.nat(), async ({ steps, pick }, moment) => {
        const { happenings, run, messages } = scriptedRun(steps, pick)
        const at = moment % (happenings.length - 1)
        const { snapshot } = happenings[at] ?? {}
        if (!snapshot?.activeRun) throw new Error('only the last has no active run')
        const position = new StreamPosition(CONVERSATION)
        position.open(RUN)
        const { events } = await missedEvents(position, snapshot, async () => undefined, new Set())
        const missed = events.map(({ event }) => event)
        const chunks = written(snapshot.activeRun, [...missed, ...happenings.slice(at + 1).map(({ event }) => event)])
        const [, answer] = uiMessages(messages, new Map([[run.id, run]]))
        expect(shown((await readUi(chunks)).message)).to.deep.equal(shown(answer) ?? [])
      }),
      { numRuns: 200 },
    ))

  it('takes back all that an attempt said when another begins', () => {
    const types = chunksOf([[{ lost: [['Half a ']], words: ['Whole.'], end: 'said' }]]).map(({ type }) => type)
    expect(types).to.deep.equal([
      ...['start', 'start-step', 'data-turn', 'text-start', 'text-delta'],
      ...['reset-step', 'data-turn', 'text-start', 'text-delta', 'text-end', 'data-turn', 'finish-step', 'finish'],
    ])
  })

  it('says why a run failed: in the metadata with its code, and as the error of the stream', async () => {
    const { message, errors } = await readUi(chunksOf([[{ lost: [], words: ['Half'], end: 'failed' }]], 'failed'))
    expect(errors).to.deep.equal(['Error: Bad.'])
    expect(shown(message)).to.deep.equal([])
    expect(message?.metadata).to.deep.include({ status: 'failed', error: { code: 'provider.bad', message: 'Bad.' } })
  })

  it('calls a run that was stopped interrupted', () => {
    const chunks = chunksOf([[{ lost: [], words: ['Half'], end: 'said' }]], 'cancelled')
    expect(chunks.at(-2)).to.deep.equal({ type: 'abort', reason: 'cancelled' })
    expect(chunks.at(-1)).to.deep.include({ type: 'finish', finishReason: 'interrupted' })
  })

  it('has only chunks that the client knows', async () => {
    const script: ScriptedTurn = { lost: [['x']], words: ['y'], end: 'said' }
    const { validate } = await uiMessageChunkSchema()
    for (const chunk of chunksOf([[script, script]], 'failed')) {
      expect(await validate?.(chunk), chunk.type).to.include({ success: true })
    }
  })

  it('asks anew whether to start a call again: an answer to the question before is none to that', () => {
    const call = { id: newId(), call: 0, step: 0, name: 'pay', title: 'Pay', status: 'awaiting' as const, args: '{}' }
    const first = { ...call, result: null, errorCode: null, startedAt: null, endedAt: null }
    const again = { ...first, startedAt: '2026-11-26T12:00:00.000Z' }
    const asked = (chunks: UiToolChunk[]) => chunks.flatMap((one) => ('approvalId' in one ? one.approvalId : []))
    expect(asked(toolChunks(first, undefined))).to.deep.equal([call.id])
    const named = `${call.id}.${Date.parse(again.startedAt)}`
    expect(asked(toolChunks(again, first))).to.deep.equal([named])
    const third = { ...first, startedAt: '2026-11-26T12:00:00.001Z' }
    expect(asked(toolChunks(third, again))).to.deep.equal([`${call.id}.${Date.parse(third.startedAt)}`])
    const answer = (id: string) => ({
      type: 'dynamic-tool',
      state: 'approval-responded',
      approval: { id, approved: true },
    })
    const others = ['other', '', '1.1', '99999999999999', '-1']
    const parts = [call.id, named, `${call.id}.again`, ...others.map((other) => `${call.id}.${other}`)].map(answer)
    const of = { id: call.id, decision: 'approve' }
    expect(answersIn({ role: 'assistant', parts })).to.deep.equal([
      { ...of, wasStarted: false },
      { ...of, wasStarted: true, startedAt: again.startedAt },
      // Of a window that an older release has told.
      { ...of, wasStarted: true },
    ])
  })
})
