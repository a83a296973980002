import { setTimeout as delay } from 'node:timers/promises'
import { isOpenTurn, isTerminal, type RunView } from '../contract/views.ts'
import type { EventStreams, StreamReader } from '../realtime/sse.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { presentToolCall } from '../tools/tool-call.presenter.ts'
import type { DoorService, OpenCalls } from './door.service.ts'
import { type AskedCall, RunScript, type RunStep } from './run-script.ts'

/** A stream that could not be read on is opened again after this, in ms. */
const AGAIN_MS = 500
/** ... so often in a row without an event in between: a database that was restarted is back by then. */
const MOST_TRIES = 120

/** Which run, for whom; `names` are those of who may speak, by the ids of the agents. */
export interface RunReading {
  reader: Pick<StreamReader, 'userId' | 'sessionId'>
  runId: string
  names: ReadonlyMap<string, string>
  /** The rows: of what a run's open turns have done with tools, for events tell of what happens, not of what has; and the runs. */
  door: Pick<DoorService, 'calls' | 'run' | 'speakers'>
  /** Aborts when nobody reads any more. The run goes on. */
  gone: AbortSignal
}

/**
 * Reads a run from its first word to its end: every step once, in order, whatever dies meanwhile (workers, the feed, the database).
 * Ends behind `run.ended`, behind `run.waits` (also where it is its turn only behind a run that waits), or when nobody reads any more.
 * @throws AppError 404 when it is not this user's; 401 when the session ends; 503 when this server closes, or cannot read any more
 */
export async function* readRun(
  streams: Pick<EventStreams, 'follow'>,
  { reader, runId, names, door, gone }: RunReading,
): AsyncGenerator<RunStep> {
  const script = new RunScript(runId, names)
  /** False as long as another run of its conversation may be before it. */
  let hasTurn = false
  /** Behind what was told. */
  let position: string | undefined
  // Also of turns that have ended since the run was as it is here: their words may come before their end does.
  const read = async ({ turns }: RunView) => {
    const open = turns.filter(({ status }) => isOpenTurn(status)).map(({ index }) => index)
    return known(script, runId, await door.calls(runId, open))
  }
  for (let tries = 0; tries < MOST_TRIES && !gone.aborted; tries++) {
    if (tries > 0) await delay(AGAIN_MS, undefined, { signal: gone }).catch(() => {})
    const opened = await streams.follow(reader, runId, position).catch((error: unknown) => {
      // At first, whoever asks is told; later the run is there, and what is not is on its way back.
      if (position === undefined || (error instanceof AppError && error.status < 500)) throw error
      return undefined
    })
    if (!opened) continue
    const { events, close } = opened
    gone.addEventListener('abort', close, { once: true })
    let isFirst = true
    try {
      for await (const { event, id } of events) {
        if (gone.aborted) return
        const row = 'run' in event && event.run.id === runId ? event.run : undefined
        const isEnd = row !== undefined && isTerminal(row.status)
        // Heard of before what was said last: that is read from the rows, and then the end again.
        if (isEnd && position !== undefined && !script.hasAllOf(row)) break
        if (row && !isEnd) {
          if (script.isAsking || row.status === 'waiting' || (isFirst && hasBegun(row))) yield* await read(row)
          isFirst = false
        }
        if (row) hasTurn = row.status !== 'pending'
        yield* script.take(event)
        if (isEnd) return
        if (!hasTurn && !row && 'run' in event && event.run.status === 'waiting') {
          const run = await door.run(reader.userId, runId)
          const asked = run.status === 'pending' ? await askedBefore(door, reader.userId, event.run) : []
          if (asked.length > 0) {
            yield { type: 'run.waits', run, asked }
            return
          }
        }
        if (script.waits().length > 0) {
          // Decided on meanwhile, perhaps; and what was heard of the run may be from before it waited.
          const run = await door.run(reader.userId, runId)
          yield* await read(run)
          if (!isTerminal(run.status))
            yield* script.take({ type: 'run.updated', conversationId: run.conversationId, run })
          const waits = script.waits()
          yield* waits
          if (waits.length > 0) return
        }
        position = id
        tries = 0
      }
    } finally {
      gone.removeEventListener('abort', close)
      close()
    }
    if (events.ended === 'session') throw new AppError('auth.unauthorized/expired')
    if (events.ended === 'gone') throw notFound('conversation')
    if (events.ended === 'server') throw new AppError('run.unread')
  }
  if (!gone.aborted) throw new AppError('run.unread')
}

/** Whether a turn of it that is not over may have called tools. */
const hasBegun = ({ turns, receipt }: RunView): boolean =>
  (receipt.steps !== 0 || receipt.inheritedSteps !== 0) &&
  turns.some(({ status, attempt }) => isOpenTurn(status) && attempt > 0)

/** What is asked in this run, behind which another waits, where it goes on only when somebody has decided. */
async function askedBefore(door: RunReading['door'], userId: string, { id }: RunView): Promise<AskedCall[]> {
  const run = await door.run(userId, id)
  if (run.status !== 'waiting') return []
  const script = new RunScript(id, await door.speakers(userId, id))
  // What is decided on meanwhile is not asked any more.
  known(script, id, await door.calls(id))
  script.take({ type: 'run.updated', conversationId: run.conversationId, run })
  return script.waits().flatMap(({ asked }) => asked)
}

/** Tells of what the rows have: calls first, so that words find their places beside them. */
function known(script: RunScript, runId: string, { calls, said }: OpenCalls): RunStep[] {
  const heard = calls.map(({ turn, turnAttempt, expiresAt, ...call }) => {
    const { isEditable, isWaiting } = call
    const expires = expiresAt && new Date(expiresAt).toISOString()
    return { turn, call: { ...presentToolCall(call), expiresAt: expires, isEditable, isWaiting } }
  })
  const words = said.map((one) => ({ type: 'turn.delta' as const, conversationId: '', runId, offset: 0, ...one }))
  return [...script.takeCalls(heard), ...words.flatMap((event) => script.take(event))]
}
