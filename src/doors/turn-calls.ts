import { isOpenCall } from '../contract/tool-names.ts'
import type { ToolCallView } from '../contract/views.ts'
import { SHOWN_CALLS } from '../tools/tool-call.presenter.ts'

/** A call of a tool as doors tell of it. */
export interface TurnCall extends ToolCallView {
  /** By when somebody is to decide on it, where that is known. */
  expiresAt?: string | null
  /** Whether whoever decides may write other arguments, where that is known. */
  isEditable?: boolean
  /** Whether its turn goes on only when somebody has decided, where that is known. */
  isWaiting?: boolean
}

interface Heard {
  call: TurnCall
  isTold: boolean
  hasChanged: boolean
}

/** What is known of a turn's calls, and what of it was told: those that its message shows, and those that somebody is asked about. */
export class TurnCalls {
  readonly #heard = new Map<number, Heard>()
  #isOver = false

  /** Calls that wait for somebody's word, and were told. */
  get asked(): TurnCall[] {
    return this.#inOrder.filter(({ call, isTold }) => call.status === 'awaiting' && isTold).map(({ call }) => call)
  }

  /** False where nothing is new. What has ended does not begin again, whatever comes late. */
  hear(call: TurnCall): boolean {
    const known = this.#heard.get(call.call)
    if (!known && call.call >= SHOWN_CALLS && call.status !== 'awaiting') return false
    if (known && !isOpenCall(known.call) && isOpenCall(call)) return false
    const now = { ...known?.call, ...call }
    if (known && JSON.stringify(known.call) === JSON.stringify(now)) return false
    this.#heard.set(call.call, { call: now, isTold: known?.isTold ?? false, hasChanged: true })
    return true
  }

  /** Nothing of them counts as told any more. */
  again(): void {
    for (const heard of this.#heard.values()) Object.assign(heard, { isTold: false, hasChanged: true })
  }

  /** Those of which no text is known that comes before them are told too. */
  end(): void {
    this.#isOver = true
  }

  /** What is to be told now that so many units of text are known; counts as told then. */
  untold(length: number): Array<{ call: TurnCall; isNew: boolean }> {
    const told = this.#inOrder.filter(
      ({ call, hasChanged, isTold }) => hasChanged && (isTold || this.#isOver || (call.offset ?? 0) <= length),
    )
    return told.map((heard) => {
      const isNew = !heard.isTold
      Object.assign(heard, { isTold: true, hasChanged: false })
      return { call: heard.call, isNew }
    })
  }

  get #inOrder(): Heard[] {
    return [...this.#heard.values()].toSorted((one, other) => one.call.call - other.call.call)
  }
}
