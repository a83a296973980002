import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { RunView } from '../contract/views.ts'
import type { EventStreams, StreamReader } from '../realtime/sse.ts'
import { EVENT_STREAM_HEADERS, MOST_BEATS_BEHIND } from '../realtime/stream-outlet.ts'
import type { Logger } from '../shared/logger.ts'
import type { DoorService } from './door.service.ts'
import { readRun } from './run-reader.ts'
import type { RunStep } from './run-script.ts'

/** Tells a run in the words of a protocol, each of which is the data of one server-sent event. */
export interface RunTranslator {
  begin(run: RunView): unknown[]
  take(step: RunStep): unknown[]
}

interface RunAnswerDependencies {
  door: Pick<DoorService, 'run' | 'speakers' | 'calls'>
  streams: Pick<EventStreams, 'follow'>
  /** SSE_HEARTBEAT_MS. */
  heartbeatMs: number
  logger: Logger
}

interface RunAnswerRequest {
  reader: Pick<StreamReader, 'userId' | 'sessionId'>
  runId: string
  translator: RunTranslator
  res: ServerResponse
  /** Beside those of every event stream. */
  headers?: Record<string, string>
  /** What stands behind the last event, as a line of data. */
  mark?: string
  /** Told of what ended the reading before the run; may say so to the client. The answer is broken off behind it, so that nobody takes it for whole. */
  broken?: (error: unknown) => unknown[]
}

/**
 * Answers with a run from its beginning to its end, as server-sent events at the client's own pace. A client that goes away
 * stops nothing.
 */
export class RunAnswers {
  readonly #deps: RunAnswerDependencies

  constructor(dependencies: RunAnswerDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError before anything was written: 404 when the run is not this user's */
  async tell({ reader, runId, translator, res, headers, mark, broken }: RunAnswerRequest): Promise<void> {
    const { door, streams, logger } = this.#deps
    const gone = new AbortController()
    res.once('close', () => gone.abort())
    if (res.destroyed) return
    const [run, names] = await Promise.all([door.run(reader.userId, runId), door.speakers(reader.userId, runId)])
    res.writeHead(200, { ...EVENT_STREAM_HEADERS, ...headers })
    const beat = this.#beat(res)
    try {
      await write(res, translator.begin(run), gone.signal)
      for await (const step of readRun(streams, { reader, runId, names, door, gone: gone.signal })) {
        await write(res, translator.take(step), gone.signal)
      }
      if (!gone.signal.aborted) res.end(mark === undefined ? undefined : `data: ${mark}\n\n`)
    } catch (error) {
      if (gone.signal.aborted) return
      logger.info({ err: error, runId }, 'the answer with a run was broken off')
      await write(res, broken?.(error) ?? [], gone.signal).catch(() => {})
      res.destroy()
    } finally {
      clearInterval(beat)
    }
  }

  /** Comments, so that proxies and the client see that the answer lives. */
  #beat(res: ServerResponse): NodeJS.Timeout {
    let behind = 0
    res.on('drain', () => {
      behind = 0
    })
    return setInterval(() => {
      if (!res.writableNeedDrain) res.write(':\n\n')
      else if (++behind >= MOST_BEATS_BEHIND) res.destroy()
    }, this.#deps.heartbeatMs).unref()
  }
}

/** Resolves when the client may be told more. */
async function write(res: ServerResponse, events: unknown[], gone: AbortSignal): Promise<void> {
  if (events.length === 0 || gone.aborted) return
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  if (!res.write(text)) await once(res, 'drain', { signal: gone }).catch(() => {})
}
