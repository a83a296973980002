import type { TurnName } from '../contract/attempt.ts'
import type { RunView } from '../contract/views.ts'
import type { Change } from './client.ts'

type Waiting = { name: string; text: string; isDone: boolean }

const keyOf = ({ runId, turn }: TurnName): string => `${runId}:${turn}`

/**
 * Prints a party as it happens: each speaker's name, then the words as they come. Agents that speak at once (a panel) are
 * printed one after another; what the others say waits.
 */
export class PartyPrinter {
  readonly #write: (text: string) => void
  readonly #nameOf: (agentId: string | null) => string
  /** In the order in which they began; the first is the one that is printed. */
  readonly #turns = new Map<string, Waiting>()

  constructor(write: (text: string) => void, nameOf: (agentId: string | null) => string) {
    this.#write = write
    this.#nameOf = nameOf
  }

  show(change: Change): void {
    switch (change.type) {
      case 'turn.started': {
        if (this.#turns.has(keyOf(change))) break
        const name = change.agentName ?? this.#nameOf(change.agentId)
        this.#turns.set(keyOf(change), { name, text: '', isDone: false })
        if (this.#isFirst(change)) this.#write(`${name}: `)
        break
      }
      case 'turn.text':
        this.#say(change, change.text)
        break
      case 'turn.reset':
        this.#startOver(change)
        break
      case 'turn.completed':
        if (!change.message) this.#say(change, '(passes)')
        this.#complete(change)
        break
      case 'turn.failed':
        if (change.willRetry) this.#say(change, ` (${change.error.message} Trying again.) `)
        break
    }
  }

  #isFirst(turn: TurnName): boolean {
    const [first] = this.#turns.keys()
    return first === keyOf(turn)
  }

  #say(turn: TurnName, text: string): void {
    if (this.#isFirst(turn)) this.#write(text)
    else {
      const waiting = this.#turns.get(keyOf(turn))
      if (waiting) waiting.text += text
    }
  }

  #startOver(turn: TurnName): void {
    const waiting = this.#turns.get(keyOf(turn))
    if (!waiting) return
    if (this.#isFirst(turn)) this.#write(`\n(again) ${waiting.name}: `)
    else waiting.text = ''
  }

  #complete(turn: TurnName): void {
    const done = this.#turns.get(keyOf(turn))
    if (!done) return
    done.isDone = true
    if (!this.#isFirst(turn)) return
    this.#turns.delete(keyOf(turn))
    this.#write('\n\n')
    for (const [key, next] of this.#turns) {
      this.#write(`${next.name}: ${next.text}`)
      if (!next.isDone) return
      this.#turns.delete(key)
      this.#write('\n\n')
    }
  }
}

const STOP_REASONS: Record<string, string> = {
  finished: 'everything was said',
  max_turns: 'the most turns were reached',
  max_rounds: 'the most rounds were reached',
  max_credits: 'the most credits were reached',
  max_seconds: 'the time was up',
  phrase: 'the stop phrase was said',
  supervisor_done: 'the supervisor called it done',
  all_passed: 'everybody passed',
  credits_exhausted: 'the credits ran out',
  cancelled: 'it was cancelled',
  interrupted: 'it was interrupted',
  failed: 'it failed',
}

/** The receipt in a few lines. */
export function receiptOf(run: RunView): string {
  const { receipt } = run
  const count = (value: number) => value.toLocaleString('en')
  return [
    '--- receipt ---',
    `turns    ${receipt.turns}`,
    `tokens   ${count(receipt.inputTokens)} in, ${count(receipt.outputTokens)} out${receipt.estimated ? ' (partly estimated)' : ''}`,
    `credits  ${receipt.credits}`,
    `stopped  ${run.stopReason ?? run.status}${run.stopReason ? `: ${STOP_REASONS[run.stopReason]}` : ''}`,
  ].join('\n')
}
