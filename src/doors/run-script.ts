import type { ConversationEvent } from '../contract/events.ts'
import { type ErrorView, isOpenTurn, isTerminal, type MessageView, type RunView } from '../contract/views.ts'
import { type TurnCall, TurnCalls } from './turn-calls.ts'

/**
 * What happens in a run, in an order that a door can rely on, however much of it was missed and read again from the rows:
 * `turn.began` stands before the text of every attempt, its `turn.text` follows without gap or repetition, and what `turn.ended` says
 * is, to the letter, what the texts since the last `turn.began` said. Turns of a panel come side by side. `run.ended` is the last, or
 * `run.waits`: then nothing comes until somebody has decided.
 */
export type RunStep =
  /** Again with a higher `attempt`, or with the same, when what was told of the turn before counts no more. */
  | { type: 'turn.began'; turn: number; attempt: number; agentId: string; agentName: string }
  /** `offset` counts UTF-16 units of what was said since the turn began. */
  | { type: 'turn.text'; turn: number; attempt: number; offset: number; text: string }
  /**
   * What has become of a call of a tool; the first time behind the text that was said before it. A turn that begins again tells of
   * its calls again.
   */
  | { type: 'turn.tool'; turn: number; attempt: number; call: TurnCall }
  /** Null when the speaker passed, or came to no word. */
  | { type: 'turn.ended'; turn: number; attempt: number; message: MessageView | null }
  | { type: 'turn.failed'; turn: number; attempt: number; error: ErrorView; willRetry: boolean }
  | { type: 'run.updated'; run: RunView }
  /** `run` is pending where it is another, before it, in which they are asked. */
  | { type: 'run.waits'; run: RunView; asked: AskedCall[] }
  | { type: 'run.ended'; run: RunView }

/** A call that somebody is to decide on before its run goes on. */
export interface AskedCall {
  turn: number
  agentName: string
  call: TurnCall
}

interface ScriptTurn {
  attempt: number
  speaker: { id: string; name: string } | undefined
  /** What this attempt said, in its pieces. */
  pieces: string[]
  /** UTF-16 units of them. */
  length: number
  /** UTF-16 units that were told; undefined before the attempt began. What a speaker says who is not known yet waits. */
  told: number | undefined
  calls: TurnCalls
  isOver: boolean
}

/** Makes the steps of one run of the events of its stream (`EventStreams.follow`). */
export class RunScript {
  readonly #runId: string
  readonly #names: ReadonlyMap<string, string>
  readonly #turns = new Map<number, ScriptTurn>()
  #run: RunView | undefined

  /** `names` are those of who may speak, by the ids of the agents. */
  constructor(runId: string, names: ReadonlyMap<string, string>) {
    this.#runId = runId
    this.#names = names
  }

  take(event: ConversationEvent): RunStep[] {
    if ('run' in event) return event.run.id === this.#runId ? this.#see(event.run) : []
    switch (event.type) {
      case 'turn.started': {
        const turn = this.#attempt(event.turn, event.attempt)
        if (!turn || turn.isOver) return []
        turn.speaker = { id: event.agentId, name: event.agentName }
        return this.#tell(event.turn, turn)
      }
      case 'turn.delta': {
        const turn = this.#attempt(event.turn, event.attempt)
        if (!turn || turn.isOver || event.offset > turn.length) return []
        add(turn, event.text.slice(turn.length - event.offset))
        return this.#tell(event.turn, turn)
      }
      case 'turn.completed':
        return event.message
          ? this.#end(event.turn, event.attempt, event.message)
          : this.#endSilent(event.turn, event.attempt)
      case 'message.created': {
        const { message } = event
        if (message.role !== 'agent' || message.turn === null || message.status === 'superseded') return []
        return this.#end(message.turn, undefined, message)
      }
      case 'turn.failed': {
        const { turn: index, attempt, error, willRetry } = event
        const turn = this.#attempt(index, attempt)
        if (!turn || turn.isOver) return []
        turn.isOver = !willRetry
        return [{ type: 'turn.failed', turn: index, attempt, error, willRetry }]
      }
      case 'tool.started':
      case 'tool.completed':
      case 'tool.failed':
        return this.takeCalls([event])
      case 'tool.approval_requested':
        return this.takeCalls([{ ...event, call: { ...event.call, expiresAt: event.expiresAt } }])
      default:
        return []
    }
  }

  /** What is heard of calls; without `attempt`, as the rows have them. */
  takeCalls(heard: Array<{ turn: number; attempt?: number; call: TurnCall }>): RunStep[] {
    return heard.flatMap(({ turn: index, attempt, call }) => {
      const turn = this.#attempt(index, attempt ?? this.#turns.get(index)?.attempt ?? 0)
      if (!turn || turn.isOver || !turn.calls.hear(call)) return []
      return this.#tell(index, turn)
    })
  }

  /** Whether somebody was asked about a call, and no answer was heard of. */
  get isAsking(): boolean {
    return [...this.#turns.values()].some(({ isOver, calls }) => !isOver && calls.asked.length > 0)
  }

  /** Said once nothing of the run goes on before somebody has decided. */
  waits(): Array<Extract<RunStep, { type: 'run.waits' }>> {
    const run = this.#run
    const open = run?.turns.filter(({ index, status }) => isOpenTurn(status) && !this.#turns.get(index)?.isOver) ?? []
    const asked = open.map(({ index }) => {
      const turn = this.#turns.get(index)
      const agentName = turn?.speaker?.name ?? ''
      return turn?.calls.asked.map((call): AskedCall => ({ turn: index, agentName, call })) ?? []
    })
    if (
      !run ||
      isTerminal(run.status) ||
      asked.length === 0 ||
      asked.some((calls) => !calls.some(({ call }) => call.isWaiting))
    )
      return []
    return [{ type: 'run.waits', run, asked: asked.flat() }]
  }

  /** Whether all messages of the run were told: its end may be heard of before them. */
  hasAllOf(run: RunView): boolean {
    return run.turns.every(({ index, messageId }) => messageId === null || this.#turns.get(index)?.isOver)
  }

  #see(run: RunView): RunStep[] {
    this.#run = run
    const steps = run.turns.flatMap(({ index, agentId, status, attempt, messageId }): RunStep[] => {
      const turn = this.#attempt(index, attempt)
      if (turn && agentId !== null) turn.speaker ??= { id: agentId, name: this.#names.get(agentId) ?? '' }
      if (!isOpenTurn(status) && messageId === null && attempt > 0) return this.#endSilent(index, attempt)
      return turn ? this.#tell(index, turn) : []
    })
    return [...steps, { type: isTerminal(run.status) ? 'run.ended' : 'run.updated', run }]
  }

  /** The turn at this attempt; undefined when a later one is known. */
  #attempt(index: number, attempt: number): ScriptTurn | undefined {
    const known = this.#turns.get(index)
    if (known && known.attempt > attempt) return undefined
    if (known?.attempt === attempt) return known
    // The same speaker: who has the turn is decided before the first words, and kept.
    // Its calls, too: they are the turn's, and each was made once.
    const calls = known?.calls ?? new TurnCalls()
    calls.again()
    const turn = { attempt, speaker: known?.speaker, ...nothingSaid(), calls, isOver: known?.isOver ?? false }
    this.#turns.set(index, turn)
    return turn
  }

  /** What of a turn can be told and was not: its words, and its calls between them. */
  #tell(index: number, turn: ScriptTurn): RunStep[] {
    const { attempt, speaker, length } = turn
    if (!speaker || turn.isOver || attempt === 0) return []
    const steps: RunStep[] = []
    if (turn.told === undefined) {
      steps.push({ type: 'turn.began', turn: index, attempt, agentId: speaker.id, agentName: speaker.name })
    }
    const textUpTo = (to: number) => {
      const from = turn.told ?? 0
      turn.told = Math.max(from, to)
      if (to <= from) return
      steps.push({
        type: 'turn.text',
        turn: index,
        attempt,
        offset: from,
        text: untold(turn, from).slice(0, to - from),
      })
    }
    for (const { call, isNew } of turn.calls.untold(length)) {
      if (isNew) textUpTo(Math.min(call.offset ?? 0, length))
      steps.push({ type: 'turn.tool', turn: index, attempt, call })
    }
    textUpTo(length)
    return steps
  }

  #end(index: number, attempt: number | undefined, message: MessageView): RunStep[] {
    const known = this.#turns.get(index)
    if (known?.isOver) return []
    const turn = this.#attempt(index, attempt ?? known?.attempt ?? 1) ?? known
    if (!turn) return []
    turn.speaker ??= { id: message.agentId ?? '', name: message.agentName ?? '' }
    // What was shown is kept as it was, but for what turned out to be none of the answer.
    if (!message.content.startsWith(turn.pieces.join(''))) {
      Object.assign(turn, nothingSaid())
      turn.calls.again()
    }
    add(turn, message.content.slice(turn.length))
    for (const call of message.toolCalls ?? []) turn.calls.hear(call)
    turn.calls.end()
    const rest = this.#tell(index, turn)
    turn.isOver = true
    return [...rest, { type: 'turn.ended', turn: index, attempt: turn.attempt, message }]
  }

  #endSilent(index: number, attempt: number): RunStep[] {
    const turn = this.#attempt(index, attempt) ?? this.#turns.get(index)
    if (!turn || turn.isOver) return []
    turn.isOver = true
    return [{ type: 'turn.ended', turn: index, attempt: turn.attempt, message: null }]
  }
}

const nothingSaid = (): Pick<ScriptTurn, 'pieces' | 'length' | 'told'> => ({ pieces: [], length: 0, told: undefined })

function add(turn: ScriptTurn, text: string): void {
  if (text === '') return
  turn.pieces.push(text)
  turn.length += text.length
}

/** What was said from this place on: mostly the last piece, so that a long text is not put together again for each word. */
function untold({ pieces, length }: ScriptTurn, from: number): string {
  const last = pieces.at(-1) ?? ''
  return length - last.length === from ? last : pieces.join('').slice(from)
}
