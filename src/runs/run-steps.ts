import type { AgentRepository } from '../agents/agent.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { Tx } from '../database/transaction.ts'
import { nextStep } from '../rounds/next-step.ts'
import type { PastTurn, RoundState } from '../rounds/strategy.ts'
import type { Run } from './run.entity.ts'
import type { RunEnd, RunRepository } from './run.repository.ts'
import type { Turn } from './turn.entity.ts'
import type { TurnRepository } from './turn.repository.ts'

interface StepDependencies {
  runs: RunRepository
  turns: TurnRepository
  agents: AgentRepository
  messages: MessageRepository
  ledger: Pick<LedgerService, 'receiptsOf'>
  runDeadlineMs: number
}

/** The last `seq` that any speaker had read. */
const heardSeq = (turns: Turn[]): number => Math.max(0, ...turns.map((turn) => turn.seenSeq ?? 0))

const isOpen = ({ status }: Turn): boolean => status === 'queued' || status === 'running'

/** A run that was told to stop ends so. */
export const cancelledEnd = ({ cancelReason }: Pick<Run, 'cancelReason'>): RunEnd => ({
  status: 'cancelled',
  stopReason: cancelReason ?? 'cancelled',
  error: null,
})

/**
 * Moves a run on: its first turns, the turns after those that were settled, its end, and the start of the run that waited
 * behind it. All within the caller's transaction, which holds the locks of the conversation and the run.
 */
export class RunSteps {
  readonly #deps: StepDependencies

  constructor(dependencies: StepDependencies) {
    this.#deps = dependencies
  }

  /** Creates the first turns of a run that has just become `queued`. */
  async begin(run: Run, tx: Tx): Promise<void> {
    await this.#step(run, [], tx)
  }

  /**
   * After a turn was settled: the next turns, or the end; by the last of its siblings to settle. Answers true when the run
   * is over.
   */
  async advance(run: Run, tx: Tx): Promise<boolean> {
    if (run.cancelRequestedAt) await this.#deps.turns.cancelQueued(run.id, tx)
    const turns = await this.#deps.turns.listOf([run.id], tx)
    if (turns.some(isOpen)) return false
    const forced = run.cancelRequestedAt ? cancelledEnd(run) : await this.#endOf(run, turns, tx)
    return forced ? this.end(run, forced, tx) : this.#step(run, turns, tx)
  }

  /** Ends a run that is not over, with what of it still waits, and begins the one that waited behind it. */
  async end(run: Run, end: RunEnd, tx: Tx): Promise<boolean> {
    const ended = await this.#deps.runs.end(run.id, end, tx)
    if (!ended) return false
    await this.#deps.turns.cancelQueued(run.id, tx)
    if (run.status === 'pending') return true
    const promoted = await this.#deps.runs.promotePending(run.conversationId, this.#deps.runDeadlineMs, tx)
    if (promoted?.cancelRequestedAt) await this.end(promoted, cancelledEnd(promoted), tx)
    else if (promoted) await this.begin(promoted, tx)
    return true
  }

  /** How the latest step ends the run by itself. A supervisor's word that it is over does not hold against newer ones of the user. */
  async #endOf(run: Run, turns: Turn[], tx: Tx): Promise<RunEnd | null> {
    const end = endOf(turns)
    const isDecision = end?.stopReason === 'supervisor_done' || end?.stopReason === 'finished'
    if (isDecision && (await this.#deps.messages.userSpokeAfter(run.id, heardSeq(turns), tx))) return null
    return end
  }

  async #step(run: Run, turns: Turn[], tx: Tx): Promise<boolean> {
    const { state, unanswered } = await this.#state(run, turns, tx)
    if (run.regenerates && turns.length > 0 && !unanswered) {
      return this.end(run, { status: 'completed', stopReason: 'finished', error: null }, tx)
    }
    const rules = { ...run, phrase: run.stopPhrase }
    const step = nextStep(run.strategy, state, rules, await this.#progress(run, tx), unanswered)
    if ('end' in step) return this.end(run, { status: 'completed', stopReason: step.end, error: null }, tx)
    const { id: runId, userId } = run
    const next = { runId, userId, step: (turns.at(-1)?.step ?? -1) + 1, kind: step.kind ?? 'speak' }
    for (const [offset, agentId] of step.speak.entries()) {
      await this.#deps.turns.create({ ...next, index: turns.length + offset, agentId }, tx)
    }
    await this.#deps.runs.moveCursor(runId, turns.length + step.speak.length - 1, tx)
    return false
  }

  /** What the strategy is to know. `unanswered`: the user said something that no speaker has read. */
  async #state(run: Run, turns: Turn[], tx: Tx): Promise<{ state: RoundState; unanswered: boolean }> {
    const { agents, messages } = this.#deps
    const participants = await agents.participants(run.agentIds, tx)
    const user = await messages.lastOfUser(run.id, tx)
    const unanswered = turns.length > 0 && user !== undefined && user.seq > heardSeq(turns)
    const last = turns.at(-1)
    const lastText =
      last && !unanswered ? ((last.messageId && (await messages.textOf(last.messageId, tx))) ?? '') : (user?.text ?? '')
    return { state: { participants, turns: turns.flatMap(pastTurn), lastText, user }, unanswered }
  }

  async #progress(run: Run, tx: Tx) {
    const { ledger, runs } = this.#deps
    const spent = run.maxCredits === null ? 0n : (await ledger.receiptsOf([run.id], tx)).get(run.id)?.credits
    return { spent: spent ?? 0n, seconds: run.maxSeconds === null ? 0 : await runs.secondsSinceStart(run.id, tx) }
  }
}

/** How the latest step ends the run by itself: all of its turns failed, or one was cut short. */
function endOf(turns: Turn[]): RunEnd | null {
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
  const status = cut.endedBy === 'cancelled' ? 'cancelled' : 'completed'
  return { status, stopReason: cut.endedBy, error: null }
}

function pastTurn(turn: Turn): PastTurn[] {
  const { index, agentId, kind, step, seenSeq } = turn
  if (agentId === null) return []
  const failed = turn.status === 'failed' || (turn.messageId === null && !turn.passed)
  return [{ index, agentId, passed: turn.passed, kind, step, failed, seenSeq: seenSeq ?? 0 }]
}
