import type { Attempt, TurnName } from '../contract/attempt.ts'
/**
 * What a client knows of one conversation: a pure reducer over events and snapshots, in whatever order drops, repetitions
 * and re-joins bring them. It converges to the rows. No Node-only imports: browsers run it too.
 */
import type { ConversationEvent, EventOf } from '../contract/events.ts'
import {
  activeRunStatuses,
  type ConversationView,
  type ErrorView,
  isOpenTurn,
  isTerminal,
  type LiveTurnView,
  type MessageView,
  type RunTurnView,
  type RunView,
  SNAPSHOT_MESSAGES,
  SNAPSHOT_OVERLAP,
  type SnapshotView,
  type ToolCallView,
} from '../contract/views.ts'

/** What an attempt at a turn has said so far. */
export interface LiveText {
  runId: string
  turn: number
  attempt: number
  agentId: string | null
  text: string
}

export interface ConversationState {
  conversation: ConversationView | null
  /** Ascending by `seq`, from the first that was ever given. */
  messages: readonly MessageView[]
  /** Turns that speak now. */
  live: readonly LiveText[]
  /** Every run that was heard of, by id. */
  runs: ReadonlyMap<string, RunView>
  /** Names of agents that were heard of, by id. */
  names: ReadonlyMap<string, string>
  /** Turns that ended without a message, as `runId:turn`. */
  passed: ReadonlySet<string>
  /** All messages up to this `seq` are known. */
  seq: number
  /** The last answer was a part: the next join goes on behind this message. */
  partUpTo?: number | undefined
}

/**
 * What changed, for showing it as it comes: the pieces of a turn since its last `turn.reset`, joined, are its text, and at
 * `turn.completed` exactly its message's.
 */
export type Change =
  | { type: 'conversation'; conversation: ConversationView }
  /** A message of the user or the system. */
  | { type: 'message'; message: MessageView }
  /** A known message has another status or content. */
  | { type: 'message.changed'; message: MessageView }
  | ({ type: 'turn.started'; agentId: string | null; agentName: string | null } & Attempt)
  | ({ type: 'turn.text'; text: string } & Attempt)
  /** What was shown of this turn is void; it begins anew. */
  | ({ type: 'turn.reset' } & TurnName)
  /** The message is null when the speaker passed. */
  | ({ type: 'turn.completed'; message: MessageView | null } & TurnName)
  /** `retryAt`: when it is tried again, where it is. */
  | ({ type: 'turn.failed'; error: ErrorView; willRetry: boolean; retryAt?: string | undefined } & Attempt)
  /** A tool of a turn runs, has ended, or waits for somebody's word until `expiresAt`. */
  | ({ type: 'turn.tool'; call: ToolCallView; expiresAt?: string | undefined } & Attempt)
  | { type: 'run'; run: RunView }
  /** The run is over, and its receipt final. */
  | { type: 'run.ended'; run: RunView }

type ToolEvent = 'tool.started' | 'tool.completed' | 'tool.failed' | 'tool.approval_requested'

/** The acknowledgement of a join, with the `afterSeq` that it was asked for. */
export type Joined = { type: 'joined'; afterSeq: number | undefined } & SnapshotView
/** A run that was fetched because its end was missed. */
export type FetchedRun = { type: 'run.fetched'; run: RunView }
export type ConversationInput = ConversationEvent | Joined | FetchedRun

export interface Step {
  state: ConversationState
  changes: Change[]
  /** Something is missing: join again, after `joinAfter(state)`. */
  rejoin: boolean
  /** Runs that seem to have ended unseen: fetch them and give them back as `run.fetched`. */
  fetchRuns: string[]
}

export const emptyConversation: ConversationState = {
  conversation: null,
  messages: [],
  live: [],
  runs: new Map(),
  names: new Map(),
  passed: new Set(),
  seq: 0,
}

/** Applies one event or snapshot. Anything that was applied before changes nothing. */
export function reduce(state: ConversationState, input: ConversationInput): Step {
  const draft = new Draft(state)
  draft.apply(input)
  return draft.step()
}

/** The `afterSeq` of the next join; undefined for the first. */
export function joinAfter(state: ConversationState): number | undefined {
  if (!state.conversation) return undefined
  // Nothing from before the first that was given: it would come behind it.
  const first = state.messages[0]?.seq ?? 1
  return state.partUpTo ?? Math.max(state.seq - SNAPSHOT_OVERLAP, Math.min(first - 1, state.seq), 0)
}

const nameOf = ({ runId, turn }: TurnName): string => `${runId}:${turn}`

/** The state while one input is applied to it; what it was made of stays as it was. */
class Draft {
  #conversation: ConversationView | null
  #messages: readonly MessageView[]
  #live: readonly LiveText[]
  #runs: ReadonlyMap<string, RunView>
  #names: ReadonlyMap<string, string>
  #passed: ReadonlySet<string>
  #seq: number
  #partUpTo: number | undefined
  readonly #changes: Change[] = []
  readonly #fetchRuns = new Set<string>()
  #rejoin = false

  constructor(state: ConversationState) {
    this.#conversation = state.conversation
    this.#messages = state.messages
    this.#live = state.live
    this.#runs = state.runs
    this.#names = state.names
    this.#passed = state.passed
    this.#seq = state.seq
    this.#partUpTo = state.partUpTo
  }

  step(): Step {
    return {
      state: {
        conversation: this.#conversation,
        messages: this.#messages,
        live: this.#live,
        runs: this.#runs,
        names: this.#names,
        passed: this.#passed,
        seq: this.#seq,
        partUpTo: this.#partUpTo,
      },
      changes: this.#changes,
      rejoin: this.#rejoin,
      fetchRuns: [...this.#fetchRuns],
    }
  }

  apply(input: ConversationInput): void {
    if (input.type === 'joined') this.#snapshot(input, true)
    else if (input.type === 'conversation.snapshot') this.#snapshot(input, false)
    else if (input.type === 'conversation.updated') this.#see(input.conversation)
    else if (input.type === 'message.created') this.#messageSeen(input.message)
    else if (input.type === 'turn.started') this.#started(input)
    else if (input.type === 'turn.delta') this.#delta(input)
    else if (input.type === 'turn.failed') this.#failed(input)
    else if ('call' in input) this.#toolSeen(input)
    else if ('run' in input) this.#runSeen(input.run)
    else if (input.type !== 'turn.completed') return
    else if (input.message) this.#messageSeen(input.message)
    else this.#pass(input)
  }

  #started(started: Attempt & { agentId: string; agentName: string }): void {
    this.#names = new Map(this.#names).set(started.agentId, started.agentName)
    this.#speaks(started, started.agentId)
  }

  #failed({ runId, turn, attempt, error, willRetry, retryAt }: EventOf<'turn.failed'>): void {
    const name = { runId, turn, attempt }
    if (this.#isOver(name) || (this.#liveOf(name)?.attempt ?? 0) > attempt) return
    this.#changes.push({ type: 'turn.failed', ...name, error, willRetry, ...(retryAt && { retryAt }) })
  }

  /** Calls are told, and not kept: a message has those of its turn, and a run's list has all. */
  #toolSeen({ runId, turn, attempt, call, ...rest }: EventOf<ToolEvent>): void {
    const name = { runId, turn, attempt }
    if (this.#isOver(name)) return
    const expiresAt = 'expiresAt' in rest ? { expiresAt: rest.expiresAt } : {}
    this.#changes.push({ type: 'turn.tool', ...name, call, ...expiresAt })
  }

  #snapshot(snapshot: SnapshotView & { afterSeq?: number | undefined }, isAnswer: boolean): void {
    const isFirst = !this.#conversation
    const isOld = snapshot.conversation.version < (this.#conversation?.version ?? 0)
    this.#see(snapshot.conversation)
    const [first] = snapshot.messages
    const last = snapshot.messages.at(-1)
    if (isFirst) this.#seq = snapshot.afterSeq ?? (first ? first.seq - 1 : 0)
    for (const message of snapshot.messages) this.#messageSeen(message)
    // An answer holds all that exists after what was asked for: a hole in it will never be filled.
    if (isAnswer && last && (isFirst || (snapshot.afterSeq ?? 0) <= this.#seq))
      this.#seq = Math.max(this.#seq, last.seq)
    const isPart = snapshot.more ?? snapshot.messages.length >= SNAPSHOT_MESSAGES
    if (isAnswer) this.#partUpTo = isPart && snapshot.afterSeq !== undefined ? last?.seq : undefined
    if (this.#partUpTo !== undefined) this.#rejoin = true
    this.#advance()
    for (const live of snapshot.live) this.#liveSeen(live)
    if (isOld) return
    const activeId = snapshot.activeRun?.id
    for (const run of this.#runs.values()) {
      if (!isTerminal(run.status) && run.id !== activeId) this.#fetchRuns.add(run.id)
    }
    for (const { runId } of this.#live) {
      if (runId !== activeId && !this.#runs.has(runId)) this.#fetchRuns.add(runId)
    }
    if (snapshot.activeRun) this.#runSeen(snapshot.activeRun)
  }

  #see(conversation: ConversationView): void {
    if (this.#conversation && this.#conversation.version >= conversation.version) return
    const { activeRun, lastRun } = conversation
    const active = activeRun && this.#furthest(activeRun)
    this.#conversation = {
      ...conversation,
      activeRun: active && isTerminal(active.status) ? null : active,
      ...(lastRun && { lastRun: this.#furthest(lastRun) }),
    }
    this.#changes.push({ type: 'conversation', conversation: this.#conversation })
  }

  /** A run as it is known to be by now: what a conversation says of it may be older. */
  #furthest(run: RunView): RunView {
    const known = this.#runs.get(run.id)
    return known && (isTerminal(known.status) || compareProgress(known, run) > 0) ? known : run
  }

  /** The conversation has the run that speaks, and its newest one, as events have them. */
  #standsBy(run: RunView): void {
    const conversation = this.#conversation
    if (!conversation) return
    const { activeRun, lastRun } = conversation
    const isActive = activeRunStatuses.some((status) => status === run.status)
    this.#conversation = {
      ...conversation,
      activeRun: isActive ? run : activeRun?.id === run.id ? null : activeRun,
      // Ids are in the order of time.
      lastRun: !lastRun || lastRun.id <= run.id ? run : lastRun,
    }
  }

  #messageSeen(message: MessageView): void {
    const at = this.#messages.findIndex(({ seq }) => seq >= message.seq)
    const known = this.#messages[at]
    if (known?.seq === message.seq) {
      const isNewer =
        known.status === 'complete' && (message.status !== 'complete' || message.content !== known.content)
      if (!isNewer) return
      // What is said of its status need not say again what it cost.
      const changed = { ...known, ...message }
      this.#messages = this.#messages.with(at, changed)
      this.#changes.push({ type: 'message.changed', message: changed })
      return
    }
    this.#messages = at < 0 ? [...this.#messages, message] : this.#messages.toSpliced(at, 0, message)
    if (message.agentId && message.agentName) this.#names = new Map(this.#names).set(message.agentId, message.agentName)
    if (message.role === 'agent' && message.runId !== null && message.turn !== null) {
      this.#complete({ runId: message.runId, turn: message.turn }, message)
    } else this.#changes.push({ type: 'message', message })
    this.#advance()
  }

  /** Moves `seq` over all that is known without a hole; a hole asks for a join. */
  #advance(): void {
    for (const { seq } of this.#messages) if (seq === this.#seq + 1) this.#seq = seq
    this.#rejoin ||= (this.#messages.at(-1)?.seq ?? 0) > this.#seq
  }

  /** Shows what is missing of the message's text, then the message. */
  #complete(turn: TurnName, message: MessageView): void {
    const live = this.#liveOf(turn) ?? this.#begin({ ...turn, attempt: 1 }, message.agentId)
    this.#showUpTo(live, message.content)
    this.#forget(turn)
    this.#changes.push({ type: 'turn.completed', ...turn, message })
  }

  #pass({ runId, turn }: TurnName): void {
    if (this.#isOver({ runId, turn })) return
    if (this.#liveOf({ runId, turn })?.text) this.#changes.push({ type: 'turn.reset', runId, turn })
    this.#forget({ runId, turn })
    this.#passed = new Set(this.#passed).add(nameOf({ runId, turn }))
    this.#changes.push({ type: 'turn.completed', runId, turn, message: null })
  }

  #delta(delta: Attempt & { offset: number; text: string }): void {
    const live = this.#speaks(delta, null)
    if (!live) return
    if (delta.offset > live.text.length) this.#rejoin = true
    else this.#show(live, delta.text.slice(live.text.length - delta.offset))
  }

  #liveSeen(seen: LiveTurnView): void {
    const live = this.#speaks(seen, seen.agentId)
    // A shorter text is older: live text of one attempt only grows.
    if (live && seen.text.length > live.text.length) this.#showUpTo(live, seen.text)
  }

  /** The attempt that speaks, begun if it is new; undefined when it is of the past. */
  #speaks(attempt: Attempt, agentId: string | null): LiveText | undefined {
    if (this.#isOver(attempt)) return undefined
    const live = this.#liveOf(attempt)
    if (live && live.attempt >= attempt.attempt) return live.attempt === attempt.attempt ? live : undefined
    if (live?.text) this.#changes.push({ type: 'turn.reset', runId: attempt.runId, turn: attempt.turn })
    return this.#begin(attempt, agentId)
  }

  #begin({ runId, turn, attempt }: Attempt, agentId: string | null): LiveText {
    const speaker = agentId ?? this.#runs.get(runId)?.turns.find(({ index }) => index === turn)?.agentId ?? null
    const live = { runId, turn, attempt, agentId: speaker, text: '' }
    this.#forget(live)
    this.#live = [...this.#live, live]
    const agentName = speaker === null ? null : (this.#names.get(speaker) ?? null)
    this.#changes.push({ type: 'turn.started', runId, turn, attempt, agentId: speaker, agentName })
    return live
  }

  #show(live: LiveText, text: string): void {
    if (!text) return
    const { runId, turn, attempt } = live
    this.#live = this.#live.map((other) => (other === live ? { ...live, text: live.text + text } : other))
    this.#changes.push({ type: 'turn.text', runId, turn, attempt, text })
  }

  #showUpTo(live: LiveText, whole: string): void {
    if (whole.startsWith(live.text)) {
      this.#show(live, whole.slice(live.text.length))
      return
    }
    this.#changes.push({ type: 'turn.reset', runId: live.runId, turn: live.turn })
    const cleared = { ...live, text: '' }
    this.#live = this.#live.map((other) => (other === live ? cleared : other))
    this.#show(cleared, whole)
  }

  #runSeen(run: RunView): void {
    const known = this.#runs.get(run.id)
    const isNews = !known || (!isTerminal(known.status) && compareProgress(known, run) < 0)
    this.#standsBy(isNews ? run : known)
    if (!isNews) return
    this.#runs = new Map(this.#runs).set(run.id, run)
    this.#fetchRuns.delete(run.id)
    for (const live of this.#live.filter(({ runId }) => runId === run.id)) {
      const turn = run.turns.find(({ index }) => index === live.turn)
      const isOver = isTerminal(run.status) || (turn && turn.attempt >= live.attempt && hasEnded(turn))
      if (isOver && !turn?.messageId) this.#drop(live)
    }
    // A message that was missed comes with the next join; until then its turn shows what it showed.
    for (const { messageId } of run.turns) {
      if (messageId && !this.#messages.some(({ id }) => id === messageId)) this.#rejoin = true
    }
    this.#changes.push({ type: isTerminal(run.status) ? 'run.ended' : 'run', run })
  }

  /** The turn is over without a message. */
  #drop(live: LiveText): void {
    if (live.text) this.#changes.push({ type: 'turn.reset', runId: live.runId, turn: live.turn })
    this.#forget(live)
  }

  #forget(turn: TurnName): void {
    this.#live = this.#live.filter((live) => nameOf(live) !== nameOf(turn))
  }

  #liveOf(turn: TurnName): LiveText | undefined {
    return this.#live.find((live) => live.runId === turn.runId && live.turn === turn.turn)
  }

  /** True when no more text of this turn can come. */
  #isOver(turn: TurnName): boolean {
    const run = this.#runs.get(turn.runId)
    if (run && (isTerminal(run.status) || run.turns.some((other) => other.index === turn.turn && hasEnded(other)))) {
      return true
    }
    if (this.#passed.has(nameOf(turn))) return true
    return this.#messages.some((message) => message.runId === turn.runId && message.turn === turn.turn)
  }
}

/** Runs only move forward; of two views of one run the further one is the newer. */
function compareProgress(a: RunView, b: RunView): number {
  for (const [left, right] of progressOf(a).map((value, i) => [value, progressOf(b)[i] ?? 0] as const)) {
    if (left !== right) return left - right
  }
  // Equally far, but perhaps told more precisely: take what differs.
  return JSON.stringify(a) === JSON.stringify(b) ? 0 : -1
}

const progressOf = (run: RunView): number[] => [
  isTerminal(run.status) ? 1 : 0,
  run.status === 'pending' ? 0 : 1,
  run.turns.filter(hasEnded).length,
  run.turns.reduce((sum, turn) => sum + turn.attempt, 0),
  run.turns.length,
]

const hasEnded = (turn: RunTurnView): boolean => !isOpenTurn(turn.status)
