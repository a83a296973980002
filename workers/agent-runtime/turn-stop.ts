import type { TurnRoom } from '../../src/runs/turn-room.ts'

/**
 * Why a turn stops before its end.
 * - cancelled: the user wants it; what was said is kept and paid
 * - credits_exhausted: nothing left to pay with; likewise
 * - max_credits: the run's own limit of credits is reached; likewise
 * - max_seconds: the run's own limit of seconds is reached; likewise
 * - length: the provider says far more than it was asked for, or goes on in the name of somebody else; likewise, and the run goes on
 * - lost: another attempt has the turn; nothing may be written
 * - drain: this process ends; the turn is handed back
 * - timeout: the provider said nothing for too long
 * - turn_timeout: the time of a whole turn is over, whoever took it
 */
export type StopKind =
  | 'cancelled'
  | 'credits_exhausted'
  | 'max_credits'
  | 'max_seconds'
  | 'length'
  | 'lost'
  | 'drain'
  | 'timeout'
  | 'turn_timeout'

/** Stops one attempt, once: the first reason stays. */
export class TurnStop {
  readonly #controller = new AbortController()
  #kind: StopKind | undefined

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get kind(): StopKind | undefined {
    return this.#kind
  }

  stop(kind: StopKind): void {
    if (this.#kind) {
      // What was lost meanwhile must not be written, whatever else was wanted first.
      if (kind === 'lost') this.#kind = kind
      return
    }
    this.#kind = kind
    this.#controller.abort(new Error(`turn stopped: ${kind}`))
  }
}

/** Stops the speaker when the run's own seconds are over. */
export function limitTime({ run, secondsSinceStart, readAt }: TurnRoom, stop: TurnStop): () => void {
  if (run.maxSeconds === null) return () => {}
  const leftMs = (run.maxSeconds - secondsSinceStart) * 1_000 - (performance.now() - readAt)
  const timer = setTimeout(() => stop.stop('max_seconds'), Math.max(0, leftMs))
  return () => clearTimeout(timer)
}
