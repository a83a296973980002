import type { StopReason } from '../contract/views.ts'
import { nextStep } from '../rounds/next-step.ts'
import type { PastTurn, TurnKind } from '../rounds/strategy.ts'
import { sentenceOf } from '../shared/error-words.ts'
import type { Run } from './run.entity.ts'
import type { RunTurn } from './turn-room.ts'

/** How a run ends. */
export interface RunEnd {
  status: 'completed' | 'failed' | 'cancelled'
  stopReason: StopReason
  error: { code: string; message: string } | null
}

/** What follows in a run: its end, or the speakers of the next step (null: the turn itself has one chosen). */
export type Following = { end: RunEnd } | { speak: ReadonlyArray<string | null>; kind: TurnKind; step: number }

/** What is known of a run when none of its turns is open. */
export interface RunState {
  run: Pick<Run, 'strategy' | 'maxTurns' | 'maxRounds' | 'maxCredits' | 'maxSeconds' | 'stopPhrase' | 'regenerates'>
  participants: ReadonlyArray<{ id: string; name: string }>
  /** Ascending by index. */
  turns: readonly RunTurn[]
  /** What the user said last to this run. */
  user: { text: string; seq: number } | undefined
  /** What the last turn said; empty when it said nothing. */
  lastWords: string
  /** Micro-credits; asked for where the run has a limit of them. */
  spent: bigint
  /** Since the run was first claimed; asked for where the run has a limit of them. */
  seconds: number
}

/** The last `seq` that any speaker had read. */
export const heardSeq = (turns: ReadonlyArray<Pick<RunTurn, 'seenSeq'>>): number =>
  Math.max(0, ...turns.map((turn) => turn.seenSeq ?? 0))

const completed = (stopReason: StopReason): RunEnd => ({ status: 'completed', stopReason, error: null })

/** Nobody came to a word. */
const NO_CREDITS = { code: 'credits.insufficient', message: sentenceOf('credits.insufficient/run') }

/** A run that was told to stop ends so. */
export const cancelledEnd = ({ cancelReason }: Pick<Run, 'cancelReason'>): RunEnd => ({
  status: 'cancelled',
  stopReason: cancelReason ?? 'cancelled',
  error: null,
})

/** Decides what follows; pure, so that a worker can tell before it settles, and a transaction can tell again. */
export function following({ run, participants, turns, user, lastWords, spent, seconds }: RunState): Following {
  const unanswered = turns.length > 0 && user !== undefined && user.seq > heardSeq(turns)
  const end = endOf(turns)
  // A supervisor's word that it is over does not hold against newer ones of the user.
  const isDecision = end?.stopReason === 'supervisor_done' || end?.stopReason === 'finished'
  if (end && !(isDecision && unanswered)) return { end }
  if (run.regenerates && turns.length > 0 && !unanswered) return { end: completed('finished') }
  const lastText = turns.length > 0 && !unanswered ? lastWords : (user?.text ?? '')
  const state = { participants, turns: turns.flatMap(pastTurn), lastText, user }
  const next = nextStep(run.strategy, state, { ...run, phrase: run.stopPhrase }, { spent, seconds }, unanswered)
  if ('end' in next) return { end: completed(next.end) }
  return { speak: next.speak, kind: next.kind ?? 'speak', step: (turns.at(-1)?.step ?? -1) + 1 }
}

/** How the latest step ends the run by itself: all of its turns failed, or one was cut short. */
function endOf(turns: readonly RunTurn[]): RunEnd | null {
  const step = turns.filter((turn) => turn.step === turns.at(-1)?.step)
  const failed = step.findLast((turn) => turn.status === 'failed')
  if (failed && step.every((turn) => turn.status === 'failed')) {
    const error = { code: failed.errorCode ?? 'run.failed', message: failed.errorMessage ?? '' }
    return { status: 'failed', stopReason: 'failed', error }
  }
  // What one of several siblings could not hold, the others may have left over: the stop rules look again.
  const silent = step.every((turn) => turn.messageId === null && !turn.passed)
  const cut = step.find(({ endedBy }) => endedBy && (step.length === 1 || silent || endedBy !== 'max_credits'))
  if (!cut?.endedBy) return null
  if (cut.endedBy === 'credits_exhausted' && turns.every(({ messageId, passed }) => messageId === null && !passed)) {
    return { status: 'failed', stopReason: 'credits_exhausted', error: NO_CREDITS }
  }
  const status = cut.endedBy === 'cancelled' ? 'cancelled' : 'completed'
  return { status, stopReason: cut.endedBy, error: null }
}

function pastTurn(turn: RunTurn): PastTurn[] {
  const { index, agentId, kind, step, seenSeq } = turn
  if (agentId === null) return []
  const failed = turn.status === 'failed' || (turn.messageId === null && !turn.passed)
  return [{ index, agentId, passed: turn.passed, kind, step, failed, seenSeq: seenSeq ?? 0 }]
}
