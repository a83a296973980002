import type { ServerResponse } from 'node:http'
import { type RequestKey, requestKey } from '../../chat/request-key.ts'
import type { AnswerForm } from '../../contract/answer-form.ts'
import type { AcceptedView, RunView } from '../../contract/views.ts'
import type { EventStreams, StreamReader } from '../../realtime/sse.ts'
import { AppError, invalidRequest, notFound } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { type DoorService, isShort } from '../door.service.ts'
import type { DoorModel, DoorModels } from '../door-models.ts'
import { readRun } from '../run-reader.ts'
import type { RunStep } from '../run-script.ts'
import { type Speech, SpeechOrder } from '../speech-order.ts'
import { type CompletionBody, CompletionChunks, completion, completionHead } from './chat-completions.ts'
import { type HistoryLine, toldBy } from './chat-history.ts'
import { GrowingText } from './growing-text.ts'
import { Histories, HistoryTaken, type KnownHistory } from './histories.ts'
import { type Given, givenOf, type ResponseBody, responseId, runIdOf } from './response-body.ts'
import { ResponseEvents } from './response-events.ts'
import { outputOf, type ResponseView, responseView } from './response-view.ts'
import { readingError, runError, type WireError } from './wire-errors.ts'
import { formOf } from './wire-format.ts'
import { WireStream } from './wire-stream.ts'

/** Who asks, and until when. */
export interface Asker extends StreamReader {
  /** Aborts when the client goes away: then nothing is read for it any more, and the run goes on. */
  gone: AbortSignal
}

/** What a request says besides its body. */
export interface Asked {
  conversationId: string | undefined
  idempotencyKey: string | undefined
  /** Words go out when their turn is settled. */
  wholeTurns: boolean
}

/** Writes an answer, over time. */
export type Write = (res: ServerResponse) => Promise<void>

/** Calls that an error names; all of them are in the list of approvals. */
const NAMED_CALLS = 10
/** Instructions of this many characters are shown again with their response; they are kept, whole, in the conversation. */
const SHOWN_INSTRUCTIONS = 2_000

interface OpenAiDependencies {
  doors: DoorService
  streams: EventStreams
  /** SSE_HEARTBEAT_MS. */
  heartbeatMs: number
  /** The longest time that a run may take (RUN_DEADLINE_MS), in ms: so long may a client wait that reads no stream. */
  mostMs: number
  logger: Logger
}

/** What is said, with what was said before it, as a request has it. */
interface Lines {
  userId: string
  model: DoorModel
  lines: HistoryLine[]
  /** Names the list in errors. */
  path: string
  /** The conversation that the request names. */
  conversationId: string | undefined
  answer: AnswerForm | undefined
  key: RequestKey | undefined
}

/** A run that is read for somebody, and what answers to it say of it. */
interface Reading {
  asker: Asker
  runId: string
  names: ReadonlyMap<string, string>
  headers: Record<string, string>
  leave: () => void
}

/** Chat completions and responses, as OpenAI's clients know them, said and read by what every door has. */
export class OpenAiDoor {
  readonly #deps: OpenAiDependencies

  readonly #histories: Histories

  constructor(dependencies: OpenAiDependencies) {
    this.#deps = dependencies
    this.#histories = new Histories(dependencies.doors)
  }

  get models(): DoorModels {
    return this.#deps.doors.models
  }

  /** @throws AppError what is wrong with the request, before anything is accepted */
  async complete(asker: Asker, body: CompletionBody, asked: Asked): Promise<Write> {
    const { doors } = this.#deps
    const model = await doors.models.resolve(asker.userId, body.model)
    const { conversationId } = asked
    const lines = body.messages
    const answer = formOf(body.response_format, model, 'response_format', 'json_schema.')
    const stands = [body.model, lines, conversationId, ...(answer ? [answer] : [])]
    const key = requestKey('v1/chat/completions', asked.idempotencyKey, stands)
    const saying = { userId: asker.userId, model, lines, path: 'messages', conversationId, answer, key }
    const { accepted, reading } = await this.#begin(asker, model, asked, () => this.#say(saying))
    const text = new GrowingText({
      namesSpeakers: model.kind === 'party',
      // What is checked goes out when it was.
      wholeTurns: asked.wholeTurns || !body.stream || answer !== undefined,
    })
    const run = { id: accepted.runId, createdAt: new Date().toISOString() }
    const head = completionHead(run, body.model)
    if (!body.stream) {
      let said = ''
      return this.#whole(reading, (speech) => {
        said += text.take(speech)
        return speech.type === 'run.ended' ? (runError(speech.run) ?? completion(head, said, speech.run)) : undefined
      })
    }
    const chunks = new CompletionChunks(head, body.stream_options?.include_usage === true)
    let hasBegun = false
    return this.#streamed(reading, async (speech, wire) => {
      const isOver = speech.type === 'run.ended'
      const failure = isOver ? runError(speech.run) : undefined
      const piece = text.take(speech)
      if (failure) return failure
      if (!hasBegun && (piece || isOver)) await wire.send(chunks.first())
      hasBegun ||= piece !== '' || isOver
      if (piece) await wire.send(chunks.text(piece))
      if (!isOver) return undefined
      for (const chunk of chunks.last(speech.run)) await wire.send(chunk)
      await wire.send('[DONE]')
      return undefined
    })
  }

  /** @throws AppError what is wrong with the request, before anything is accepted */
  async respond(asker: Asker, body: ResponseBody, asked: Asked): Promise<Write> {
    const { doors } = this.#deps
    const { userId } = asker
    const model = await doors.models.resolve(userId, body.model)
    const conversationId = await this.#conversationOf(userId, body, asked)
    const { instructions } = body
    const lines = instructions ? [{ role: 'system' as const, content: instructions }, ...body.input] : body.input
    const answer = formOf(body.text?.format, model, 'text.format', '')
    const given: Given = {
      model: body.model,
      instructions: instructions && instructions.length <= SHOWN_INSTRUCTIONS ? instructions : null,
      metadata: body.metadata ?? null,
      background: body.background === true,
      previous: body.previous_response_id ?? null,
      isParty: model.kind === 'party',
      ...(answer && { isData: true }),
    }
    if (!isShort(given)) throw invalidRequest([{ path: 'metadata', message: 'is too long' }])
    const key = requestKey('v1/responses', asked.idempotencyKey, [
      lines,
      conversationId,
      given,
      ...(answer ? [answer] : []),
    ])
    const saying = { userId, model, lines, path: 'input', conversationId, answer, key }
    const { accepted, reading } = await this.#begin(asker, model, asked, () => this.#say(saying, given))
    if (given.background && !body.stream) {
      reading.leave()
      const run = await doors.run(userId, accepted.runId)
      return async (res) => sendJson(res, 200, responseView(run, given, []), reading.headers)
    }
    return this.#read(reading, given, { stream: body.stream === true, wholeTurns: asked.wholeTurns })
  }

  /** A response as it is now. @throws AppError 404 */
  async retrieve(userId: string, id: string): Promise<ResponseView> {
    const { runId, given } = await this.#found(userId, id)
    return this.#view(await this.#deps.doors.run(userId, runId), given)
  }

  /** The events of a response, from its first on or behind the one of that number. @throws AppError 404, 429 */
  async replay(asker: Asker, id: string, after: number | undefined): Promise<Write> {
    const { doors, streams } = this.#deps
    const { runId, given } = await this.#found(asker.userId, id)
    const names = await doors.speakers(asker.userId, runId)
    const reading = { asker, runId, names, headers: {}, leave: streams.place(asker) }
    return this.#read(reading, given, { stream: true, after })
  }

  /** Stops a response; one that is over is answered as it ended. @throws AppError 404 */
  async cancel(userId: string, id: string): Promise<ResponseView> {
    const { runId, given } = await this.#found(userId, id)
    return this.#view(await this.#deps.doors.cancel(userId, runId), given)
  }

  async #view(run: RunView, given: Given): Promise<ResponseView> {
    return responseView(run, given, outputOf(run, await this.#deps.doors.words(run), given.isParty))
  }

  async #read(
    reading: Reading,
    given: Given,
    { stream, after, wholeTurns = false }: { stream: boolean; after?: number | undefined; wholeTurns?: boolean },
  ): Promise<Write> {
    const { doors } = this.#deps
    if (!stream) {
      return this.#whole(reading, async (speech) =>
        speech.type === 'run.ended' ? (runError(speech.run) ?? this.#view(speech.run, given)) : undefined,
      )
    }
    const run = await doors.run(reading.asker.userId, reading.runId).catch((error: unknown) => {
      reading.leave()
      throw error
    })
    const events = new ResponseEvents(run, given, { namesSpeakers: given.isParty, after })
    // What is checked goes out when it was.
    const order = wholeTurns || given.isData ? new WholeSpeeches() : undefined
    return this.#streamed(
      reading,
      async (speech, wire) => {
        for (const one of order?.take(speech) ?? [speech]) {
          for (const event of events.take(one)) await wire.send(event, event.type)
        }
        return undefined
      },
      async (wire) => {
        for (const event of events.first()) await wire.send(event, event.type)
      },
    )
  }

  /** Says it in the conversation that is named; else in that of the history, where it is known; else in a new one. */
  async #say({ lines, path, conversationId, ...saying }: Lines, given?: Given): Promise<AcceptedView> {
    const { doors } = this.#deps
    const { userId, model } = saying
    const say = (known: KnownHistory | undefined) => {
      const at = conversationId ?? known?.conversationId
      return doors.say({
        ...saying,
        ...toldBy(lines, model, at !== undefined, path),
        where: at === undefined ? 'new' : { conversationId: at },
        kept: given && JSON.stringify(given),
        ...((conversationId === undefined || given) && {
          note: async (accepted, tx) => {
            if (conversationId === undefined) await this.#histories.note({ userId, model, lines, known }, accepted, tx)
            if (!given) return
            const thread = threadOf(userId, responseId(accepted.runId))
            await doors.threads.add({ ...thread, conversationId: accepted.conversationId, given }, tx)
          },
        }),
      })
    }
    const known = conversationId === undefined ? await this.#histories.find(userId, model, lines) : undefined
    try {
      return await say(known)
    } catch (error) {
      if (error instanceof HistoryTaken) return say(undefined)
      throw error
    }
  }

  /** Takes a place, so that nothing is begun that could not be read; then accepts. */
  #begin(
    asker: Asker,
    model: DoorModel,
    { wholeTurns }: Asked,
    accept: () => Promise<AcceptedView>,
  ): Promise<{ accepted: AcceptedView; reading: Reading }> {
    return this.#deps.streams.placed(asker, async (leave) => {
      const accepted = await accept()
      const { conversationId, runId } = accepted
      const headers = {
        'x-conversation-id': conversationId,
        'x-run-id': runId,
        ...(wholeTurns && { 'preference-applied': 'whole-turns' }),
      }
      const names = new Map(model.speakers.map(({ id, name }) => [id, name]))
      return { accepted, reading: { asker, runId, names, headers, leave } }
    })
  }

  async *#speeches({ asker, runId, names }: Reading): AsyncGenerator<Speech> {
    const order = new SpeechOrder()
    const { gone } = asker
    const { streams, doors } = this.#deps
    for await (const step of readRun(streams, { reader: asker, runId, names, door: doors, gone })) {
      // Clients of this wire run tools themselves, and cannot be asked about ours.
      if (step.type === 'turn.tool') continue
      if (step.type === 'run.waits') throw asksFirst(step)
      yield* order.take(step)
    }
  }

  /** Answers once, at the run's end, with what `take` makes of it. */
  #whole(reading: Reading, take: (speech: Speech) => unknown): Write {
    return async (res) => {
      // Nothing moves on this connection until the run is over.
      res.setTimeout(this.#deps.mostMs)
      try {
        for await (const speech of this.#speeches(reading)) {
          const answer = await take(speech)
          if (speech.type !== 'run.ended') continue
          if (isWireError(answer)) sendError(res, answer, reading.headers)
          else sendJson(res, 200, answer, reading.headers)
        }
      } catch (error) {
        this.#tell(error, reading)
        sendError(res, readingError(error), reading.headers)
      } finally {
        reading.leave()
      }
    }
  }

  /** Sends what `take` sends of each speech; an error that it answers, or throws, ends the stream. */
  #streamed(
    reading: Reading,
    take: (speech: Speech, wire: WireStream) => Promise<WireError | undefined>,
    begin?: (wire: WireStream) => Promise<void>,
  ): Write {
    return async (res) => {
      const wire = new WireStream(res, reading.headers, this.#deps.heartbeatMs)
      const fail = async (error: WireError) => {
        if (wire.isOpen) await wire.send(error.body, 'error')
        else sendError(res, error, reading.headers)
      }
      try {
        await begin?.(wire)
        for await (const speech of this.#speeches(reading)) {
          const failure = await take(speech, wire)
          if (failure) await fail(failure)
        }
      } catch (error) {
        this.#tell(error, reading)
        await fail(readingError(error))
      } finally {
        wire.end()
        reading.leave()
      }
    }
  }

  #tell(error: unknown, { runId }: Reading): void {
    if (error instanceof AppError && error.status < 500) return
    this.#deps.logger.warn({ err: error, runId }, 'a run could not be read to its end for a client')
  }

  async #conversationOf(userId: string, body: ResponseBody, asked: Asked): Promise<string | undefined> {
    const { previous_response_id: previous, conversation } = body
    if (!previous) return conversation ?? asked.conversationId
    const thread = await this.#deps.doors.thread(threadOf(userId, previous))
    if (!thread) throw notFound('response')
    return thread.conversationId
  }

  async #found(userId: string, id: string): Promise<{ runId: string; given: Given }> {
    const runId = runIdOf(id)
    const thread = runId && (await this.#deps.doors.thread(threadOf(userId, responseId(runId))))
    if (!runId || !thread) throw notFound('response')
    return { runId, given: givenOf.parse(thread.given) }
  }
}

/** Nothing is to hang until somebody decides, who may be asleep: whoever reads is told what is asked, and of whom. */
function asksFirst({ run, asked }: Extract<RunStep, { type: 'run.waits' }>): AppError {
  const named = (words: string[]) => [...new Set(words)].slice(0, NAMED_CALLS).join(', ')
  return new AppError('run.awaits_decision', {
    words: { name: named(asked.map(({ agentName }) => agentName)), tools: named(asked.map(({ call }) => call.title)) },
    details: {
      conversationId: run.conversationId,
      runId: run.id,
      approvals: asked.slice(0, NAMED_CALLS).map(({ call: { id, name, args, startedAt } }) => ({
        id,
        name,
        args,
        wasStarted: startedAt !== null,
        ...(startedAt !== null && { startedAt }),
      })),
    },
  })
}

const threadOf = (userId: string, thread: string) => ({ userId, door: 'openai' as const, thread })

const isWireError = (answer: unknown): answer is WireError =>
  typeof answer === 'object' && answer !== null && 'status' in answer && typeof answer.status === 'number'

function sendJson(res: ServerResponse, status: number, body: unknown, headers: Record<string, string>): void {
  if (res.headersSent || res.destroyed) return
  res.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}

const sendError = (res: ServerResponse, { status, body, headers }: WireError, more: Record<string, string>): void =>
  sendJson(res, status, body, { ...more, ...headers })

/** Speeches that go out when they are settled. */
class WholeSpeeches {
  #began: Speech | undefined

  take(speech: Speech): Speech[] {
    if (speech.type === 'run.ended') return [speech]
    if (speech.type === 'speech.began') this.#began = speech
    if (speech.type !== 'speech.ended' || !this.#began) return []
    const { turn, attempt, message } = speech
    return [this.#began, { type: 'speech.text', turn, attempt, offset: 0, text: message.content }, speech]
  }
}
