/** Following one conversation: joins, re-joins, heals, and gives the changes one after another. No Node-only imports. */
import { z } from 'zod'
import type { ConversationEvent } from '../contract/events.ts'
import { isTerminal, type RunView, snapshotView } from '../contract/views.ts'
import { ApiError } from './api-error.ts'
import {
  type Change,
  type ConversationInput,
  type ConversationState,
  emptyConversation,
  joinAfter,
  reduce,
} from './conversation-view.ts'
import type { LiveConnection, Subscriber } from './live-connection.ts'
import type { LiveLink } from './live-link.ts'

const joined = snapshotView.extend({ ok: z.literal(true) })
/** At least this long between a failed join or fetch and the next, in ms. */
const PAUSE_MS = 500

export interface FollowOptions {
  /** Ends the iteration once this run is over and its messages are here. */
  untilRun?: string
  /** Ends the iteration. */
  signal?: AbortSignal
}

/**
 * The changes of one conversation, from its latest messages on; by `for await`. Breaking the loop leaves the
 * conversation, and stops nothing on the server.
 * @throws ApiError from the loop: no such conversation, or the session is over.
 */
export class Follower implements Subscriber, AsyncIterable<Change> {
  readonly #connection: LiveConnection
  readonly #fetchRun: (runId: string) => Promise<RunView>
  readonly #conversationId: string
  readonly #untilRun: string | undefined
  readonly #queue: Change[] = []
  #state: ConversationState = emptyConversation
  #wake: (() => void) | undefined
  /** The link that stood last: joins go over it. */
  #target: LiveLink | undefined
  #source: LiveLink | undefined
  #joining = false
  #joinedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #fetching = new Set<string>()
  #over = false
  #error: ApiError | undefined

  constructor(
    connection: LiveConnection,
    fetchRun: (runId: string) => Promise<RunView>,
    conversationId: string,
    options: FollowOptions,
  ) {
    this.#connection = connection
    this.#fetchRun = fetchRun
    this.#conversationId = conversationId
    this.#untilRun = options.untilRun
    options.signal?.addEventListener('abort', () => this.#end())
    if (options.signal?.aborted) this.#over = true
    else connection.add(conversationId, this)
  }

  /** All that is known of the conversation now. */
  get state(): ConversationState {
    return this.#state
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Change> {
    try {
      for (;;) {
        const change = this.#queue.shift()
        if (change) yield change
        else if (this.#error) throw this.#error
        else if (this.#over) return
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#end()
    }
  }

  /** Another follower's join of the same conversation may let events through before this one's: they are not for it. */
  get source(): LiveLink | undefined {
    return this.#source
  }

  onConnected(link: LiveLink): void {
    // What came over it before it dropped has a gap behind it.
    if (this.#source === link) this.#source = undefined
    this.#target = link
    this.#joining = false
    this.#join()
  }

  onEvent(event: ConversationEvent): void {
    this.#apply(event)
  }

  onEnded(error: ApiError): void {
    this.#error = error
    this.#end()
  }

  #join(): void {
    const link = this.#target
    if (this.#over || this.#joining || !link?.connected) return
    this.#joining = true
    this.#joinedAt = performance.now()
    const afterSeq = joinAfter(this.#state)
    const body = { conversationId: this.#conversationId, ...(afterSeq === undefined ? {} : { afterSeq }) }
    link.command('conversation.join', body, joined, (answer) => {
      // Asked for again over another link meanwhile.
      if (this.#over || link !== this.#target) return
      this.#joining = false
      if (answer instanceof ApiError) return this.#joinFailed(answer)
      // From here on its events are taken, and no longer those of the link before: together they have no gap, because the answer
      // holds what there was, and by seq and offset nothing of it counts twice.
      this.#source = link
      this.#apply({ type: 'joined', afterSeq, ...answer })
      this.#connection.moved()
    })
  }

  #joinFailed(error: ApiError): void {
    // Asking again would be refused again: there is no such conversation, nobody may ask, or no server of ours was asked.
    const isFinal = [400, 401, 403, 404].includes(error.status) || error.code === 'client.unexpected'
    if (isFinal || error.code.endsWith('.not_found') || error.code.startsWith('auth.')) this.onEnded(error)
    else this.#later()
  }

  #apply(input: ConversationInput): void {
    const endWasKnown = this.#hasEnded()
    const step = reduce(this.#state, input)
    this.#state = step.state
    for (const change of step.changes) this.#give(change)
    for (const runId of step.fetchRuns) this.#fetch(runId)
    if (this.#untilRun !== undefined && input.type === 'joined' && !this.#state.runs.has(this.#untilRun)) {
      this.#fetch(this.#untilRun)
    }
    if (step.rejoin) this.#rejoin()
    // What a join after the run's end did not bring is older than what is followed.
    else if (this.#hasEnded() && (this.#hasAllMessages() || (endWasKnown && input.type === 'joined'))) this.#end()
  }

  /** A join that heals nothing (the live text is lost for now) is not repeated for every word that comes. */
  #rejoin(): void {
    if (performance.now() - this.#joinedAt < PAUSE_MS / 2) this.#later()
    else this.#join()
  }

  #hasEnded(): boolean {
    const run = this.#untilRun === undefined ? undefined : this.#state.runs.get(this.#untilRun)
    return run !== undefined && isTerminal(run.status)
  }

  #hasAllMessages(): boolean {
    const turns = this.#untilRun === undefined ? [] : (this.#state.runs.get(this.#untilRun)?.turns ?? [])
    const known = new Set(this.#state.messages.map(({ id }) => id))
    return turns.every(({ messageId }) => messageId === null || known.has(messageId))
  }

  #fetch(runId: string): void {
    if (this.#fetching.has(runId) || this.#over) return
    this.#fetching.add(runId)
    this.#fetchRun(runId).then(
      (run) => {
        this.#fetching.delete(runId)
        if (!this.#over) this.#apply({ type: 'run.fetched', run })
      },
      (error: unknown) => {
        this.#fetching.delete(runId)
        const isGone = error instanceof ApiError && (error.status === 404 || error.status === 401)
        if (isGone && (runId === this.#untilRun || error.status === 401)) this.onEnded(error)
        else if (!isGone && !this.#over) setTimeout(() => this.#fetch(runId), PAUSE_MS)
      },
    )
  }

  #later(): void {
    if (this.#timer || this.#over) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#join()
    }, PAUSE_MS / 2)
  }

  /** Pieces of one turn that wait are joined: a reader that is slow gets fewer, not more. */
  #give(change: Change): void {
    const last = this.#queue.at(-1)
    const continues =
      change.type === 'turn.text' &&
      last?.type === 'turn.text' &&
      last.runId === change.runId &&
      last.turn === change.turn &&
      last.attempt === change.attempt
    if (continues) this.#queue[this.#queue.length - 1] = { ...change, text: last.text + change.text }
    else this.#queue.push(change)
    this.#wake?.()
  }

  #end(): void {
    if (!this.#over) {
      this.#over = true
      clearTimeout(this.#timer)
      this.#connection.remove(this.#conversationId, this)
    }
    this.#wake?.()
  }
}
