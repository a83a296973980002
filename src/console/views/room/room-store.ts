import {
  type ApiError,
  type Change,
  type ChatspartyClient,
  type ConversationState,
  type ConversationView,
  type FeedbackView,
  type Follower,
  isTerminal,
  type LiveText,
  type MessageView,
  type RunView,
  type ToolCallView,
} from '../../../client/client.ts'

/** As much as is read at once of what was said before. */
const PAGE = 100
/** Runs of what was said before are looked for on so many pages at most, for one page of messages. */
const MOST_RUN_PAGES = 5

/** An attempt at a turn that failed and is made again. */
export interface TurnTrouble {
  attempt: number
  code: string
  message: string
  retryAt: string | undefined
}

/** A turn that speaks, without its words: it stays the same while they come. */
export interface Speaking extends Omit<LiveText, 'text'> {
  hasWords: boolean
}

export interface RoomState {
  conversation: ConversationView | null
  /** Ascending by `seq`, without a hole, as far back as was read. */
  messages: readonly MessageView[]
  /** The `seq` of the last message that brings files; 0 for none. */
  filesSeq: number
  live: readonly LiveText[]
  /** The turns of `live`: another list only when somebody begins, says the first word, or ends. */
  speaking: readonly Speaking[]
  runs: ReadonlyMap<string, RunView>
  names: ReadonlyMap<string, string>
  /** By `runId:turn`. */
  trouble: ReadonlyMap<string, TurnTrouble>
  /** What turns that are not over did with tools, as far as it was heard of, by `runId:turn`; then by the call's number. */
  tools: ReadonlyMap<string, ReadonlyMap<number, ToolCallView>>
  /** How often something was heard that may change what waits for somebody's word. */
  asked: number
  /** What was said before the first of `messages`. */
  older: 'unknown' | 'more' | 'loading' | 'failed' | 'none'
  /** There is no such conversation, or the session is over. */
  error: ApiError | null
}

const EMPTY: RoomState = {
  conversation: null,
  messages: [],
  filesSeq: 0,
  live: [],
  speaking: [],
  runs: new Map(),
  names: new Map(),
  trouble: new Map(),
  tools: new Map(),
  asked: 0,
  older: 'unknown',
  error: null,
}

export const turnKey = ({ runId, turn }: { runId: string; turn: number }): string => `${runId}:${turn}`

/** As much of the client as a room needs. */
export type RoomClient = Pick<ChatspartyClient, 'follow' | 'conversations'>

/**
 * What a room shows, for `useSyncExternalStore`: what is followed live, and the pages before it. Every part of the state stays the same
 * object while it does not change, so that who selects a part is drawn again only for that part. Listeners are told once for all
 * words that came within `soon`.
 */
export class RoomStore {
  readonly id: string
  readonly #client: RoomClient
  readonly #follower: Follower
  readonly #leave = new AbortController()
  readonly #soon: (tell: () => void) => void
  readonly #listeners = new Set<() => void>()
  readonly #feedback = new Map<string, FeedbackView | null>()
  #older: readonly MessageView[] = []
  #olderRuns: ReadonlyMap<string, RunView> = new Map()
  #runsCursor: string | null | undefined
  #followed: ConversationState | undefined
  #isTelling = false
  #state = EMPTY

  constructor(client: RoomClient, id: string, soon: (tell: () => void) => void) {
    this.id = id
    this.#client = client
    this.#soon = soon
    this.#follower = client.follow(id, { signal: this.#leave.signal })
    void this.#listen()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly read = (): RoomState => this.#state

  /** Reads the page before the first message that is here. Does nothing while one is read, or where there is none. */
  readonly loadOlder = async (): Promise<void> => {
    const first = this.#state.messages[0]
    if (!first || (this.#state.older !== 'more' && this.#state.older !== 'failed')) return
    this.#change({ older: 'loading' })
    try {
      const page = await this.#client.conversations.get(
        this.id,
        { beforeSeq: first.seq, limit: PAGE },
        { signal: this.#leave.signal },
      )
      this.#older = [...page.messages.data, ...this.#older]
      this.#change({ messages: this.#allMessages(), older: page.messages.nextCursor === null ? 'none' : 'more' })
      await this.#loadRuns()
    } catch {
      if (!this.#leave.signal.aborted) this.#change({ older: 'failed' })
    }
  }

  /** What the user thinks of a message, as soon as it was said: no event tells it. */
  showFeedback(messageId: string, feedback: FeedbackView | null): void {
    this.#feedback.set(messageId, feedback)
    this.#change({ messages: this.#allMessages() })
  }

  /** For good: the conversation is left, and nothing stops on the server. */
  close(): void {
    this.#leave.abort()
    this.#listeners.clear()
  }

  async #listen(): Promise<void> {
    try {
      for await (const change of this.#follower) {
        this.#note(change)
        this.#tellSoon()
      }
    } catch (error) {
      if (isApiError(error)) this.#change({ error })
      else throw error
    }
  }

  /** What the state of the conversation does not keep: why a turn is late. */
  #note(change: Change): void {
    if (change.type === 'turn.tool') {
      const key = turnKey(change)
      const tools = new Map(this.#state.tools)
      tools.set(key, new Map(tools.get(key)).set(change.call.call, change.call))
      this.#state = { ...this.#state, tools, asked: this.#state.asked + 1 }
      return
    }
    if (change.type === 'run' || change.type === 'run.ended') {
      this.#state = { ...this.#state, asked: this.#state.asked + 1 }
    }
    if (change.type === 'turn.failed') {
      const { attempt, error, retryAt, willRetry } = change
      const trouble = new Map(this.#state.trouble)
      if (willRetry) trouble.set(turnKey(change), { attempt, ...error, retryAt })
      else trouble.delete(turnKey(change))
      this.#state = { ...this.#state, trouble }
    } else if (change.type === 'turn.started') this.#forgetTrouble(turnKey(change))
    else if (change.type === 'turn.completed') {
      this.#forgetTrouble(turnKey(change))
      this.#forgetTools(turnKey(change))
    } else if (change.type === 'run.ended') {
      for (const { index } of change.run.turns) {
        const key = turnKey({ runId: change.run.id, turn: index })
        this.#forgetTrouble(key)
        this.#forgetTools(key)
      }
    }
  }

  #forgetTrouble(key: string): void {
    if (!this.#state.trouble.has(key)) return
    const trouble = new Map(this.#state.trouble)
    trouble.delete(key)
    this.#state = { ...this.#state, trouble }
  }

  #forgetTools(key: string): void {
    if (!this.#state.tools.has(key)) return
    const tools = new Map(this.#state.tools)
    tools.delete(key)
    this.#state = { ...this.#state, tools }
  }

  #tellSoon(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#soon(() => {
      this.#isTelling = false
      if (!this.#leave.signal.aborted) this.#take()
    })
  }

  /** Takes over what the follower knows by now. */
  #take(): void {
    const before = this.#followed
    const now = this.#follower.state
    // What is noted alone, such as a call of a tool, is no news of the follower's.
    if (now === before) {
      this.#change({})
      return
    }
    this.#followed = now
    const isFirst = !before?.conversation
    this.#change({
      conversation: now.conversation,
      names: now.names,
      live: now.live,
      speaking: sameTurns(this.#state.speaking, now.live),
      runs: now.runs === before?.runs ? this.#state.runs : this.#allRuns(now),
      messages: now.messages === before?.messages ? this.#state.messages : this.#allMessages(),
      ...(isFirst && now.conversation && { older: (now.messages[0]?.seq ?? 1) > 1 ? 'more' : 'none' }),
    })
    if (isFirst && now.conversation) void this.#loadRuns().catch(() => undefined)
  }

  /** Every message with what the user thinks of it; one that has not changed stays the same object. */
  #allMessages(): readonly MessageView[] {
    const known = new Map(this.#feedback.size > 0 ? this.#state.messages.map((message) => [message.id, message]) : [])
    return [...this.#older, ...this.#follower.state.messages].map((message) => {
      const feedback = this.#feedback.get(message.id)
      if (feedback === undefined || message.feedback === feedback) return message
      const shown = known.get(message.id)
      const { feedback: _, ...bare } = message
      const changed = feedback === null ? bare : { ...bare, feedback }
      const isSame = shown?.status === changed.status && shown.content === changed.content
      return isSame && (shown.feedback ?? null) === feedback ? shown : changed
    })
  }

  #allRuns(followed: ConversationState): ReadonlyMap<string, RunView> {
    return this.#olderRuns.size === 0 ? followed.runs : new Map([...this.#olderRuns, ...followed.runs])
  }

  /** How runs ended that nobody followed: as far back as the first message's. */
  async #loadRuns(): Promise<void> {
    const oldest = this.#state.messages.find(({ runId }) => runId !== null)?.runId
    const runs = new Map(this.#olderRuns)
    let reached = [...runs.keys()].at(-1)
    for (let page = 0; page < MOST_RUN_PAGES && oldest && this.#runsCursor !== null; page++) {
      // Ids are in the order of time.
      if (reached !== undefined && reached <= oldest) break
      const query = { limit: PAGE, ...(this.#runsCursor && { cursor: this.#runsCursor }) }
      const { data, nextCursor } = await this.#client.conversations.runs(this.id, query, { signal: this.#leave.signal })
      for (const run of data) if (isTerminal(run.status)) runs.set(run.id, run)
      reached = data.at(-1)?.id ?? reached
      this.#runsCursor = nextCursor
    }
    if (runs.size === this.#olderRuns.size) return
    this.#olderRuns = runs
    this.#change({ runs: this.#allRuns(this.#follower.state) })
  }

  #change(part: Partial<RoomState>): void {
    if (this.#leave.signal.aborted) return
    const filesSeq = part.messages?.findLast(({ fileIds }) => fileIds.length > 0)?.seq ?? this.#state.filesSeq
    this.#state = { ...this.#state, ...part, filesSeq }
    for (const listener of this.#listeners) listener()
  }
}

/** The same list as before when the same attempts speak. */
function sameTurns(before: readonly Speaking[], live: readonly LiveText[]): readonly Speaking[] {
  const now = live.map(({ runId, turn, attempt, agentId, text }) => ({
    runId,
    turn,
    attempt,
    agentId,
    hasWords: text !== '',
  }))
  return JSON.stringify(now) === JSON.stringify(before) ? before : now
}

const isApiError = (error: unknown): error is ApiError => error instanceof Error && error.name === 'ApiError'
