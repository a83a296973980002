import { expect } from 'chai'
import type { Change } from '../../src/client/client.ts'
import { moved } from './pace.ts'

/** What a person saw of a turn in the end. */
export interface ShownTurn {
  runId: string
  turn: number
  text: string
}

/**
 * Shows the changes of the typed client as a terminal would, piece behind piece, and checks at each turn's end that what is
 * shown is the message, to the character.
 */
export class Screen {
  readonly #shown = new Map<string, ShownTurn>()
  readonly #completed = new Map<string, ShownTurn>()
  readonly #ended = new Set<string>()
  readonly #attempts = new Map<string, number>()
  /** Characters that were shown and stayed. */
  characters = 0
  /** How often the shown text of a turn was void and began anew. */
  resets = 0
  /** Pieces of text and other changes so far. */
  changes = 0
  /** When an attempt after a turn's first began, by `performance.now()`. */
  readonly retaken: number[] = []
  #wake: (() => void)[] = []

  async follow(changes: AsyncIterable<Change>): Promise<void> {
    for await (const change of changes) this.show(change)
  }

  /** Turns in the order of their ends. */
  get completed(): ShownTurn[] {
    return [...this.#completed.values()]
  }

  hasEnded(runId: string): boolean {
    return this.#ended.has(runId)
  }

  /** Resolves with the next change, or after `timeoutMs`. */
  async changed(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs)
      this.#wake.push(resolve)
    })
    clearTimeout(timer)
  }

  show(change: Change): void {
    moved()
    this.changes++
    for (const wake of this.#wake.splice(0)) wake()
    if (change.type === 'run.ended') {
      expect(this.#ended.has(change.run.id), 'a run ends once').to.equal(false)
      this.#ended.add(change.run.id)
    }
    if (!('turn' in change)) return
    const { runId, turn } = change
    const key = `${runId}:${turn}`
    const text = this.#shown.get(key)?.text ?? ''
    if (change.type === 'turn.started') this.#started(key, change.attempt)
    if (change.type === 'turn.reset') {
      this.resets++
      this.#shown.set(key, { runId, turn, text: '' })
    }
    if (change.type === 'turn.text') {
      expect(this.#completed.has(key), 'nothing comes behind the end of a turn').to.equal(false)
      this.#shown.set(key, { runId, turn, text: text + change.text })
    }
    if (change.type === 'turn.completed') {
      expect(text, `turn ${turn}`).to.equal(change.message?.content ?? '')
      expect(this.#completed.has(key), 'a turn ends once').to.equal(false)
      this.#completed.set(key, { runId, turn, text })
      this.characters += text.length
    }
  }

  #started(key: string, attempt: number): void {
    const known = this.#attempts.get(key)
    if (known !== undefined && attempt > known) this.retaken.push(performance.now())
    this.#attempts.set(key, attempt)
  }
}
