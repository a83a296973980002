import type { AgentRepository } from '../agents/agent.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { Tx } from '../database/transaction.ts'
import { nextStep } from '../rounds/next-step.ts'
import type { PastTurn, RoundState } from '../rounds/strategy.ts'
import type { FileWaitRepository } from './file-wait.repository.ts'
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
  fileWaits: Pick<FileWaitRepository, 'hasToWait'>
  runDeadlineMs: number
}

/** Where a step left its run: with new turns, waiting for files, or over. */
type Progress = 'on' | 'waiting' | 'over'

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

  /** Creates the first turns of a run that has just become `queued`, or has it wait for its files. */
  begin(run: Run, tx: Tx): Promise<Progress> {
    return this.#step(run, [], tx)
  }

  /** The next turns of a run that waited for files; false when it still has to wait, and nothing changed. */
  async resume(run: Run, tx: Tx): Promise<boolean> {
    if (await this.#deps.fileWaits.hasToWait(run.id, tx)) return false
    await this.#deps.runs.markQueued(run.id, tx)
    await this.#step(run, await this.#deps.turns.listOf([run.id], tx), tx)
    return true
  }

  /** After a turn was settled: the next turns, a wait for files, or the end; by the last of its siblings to settle. */
  async advance(run: Run, tx: Tx): Promise<Progress> {
    if (run.cancelRequestedAt) await this.#deps.turns.cancelQueued(run.id, tx)
    const turns = await this.#deps.turns.listOf([run.id], tx)
    if (turns.some(isOpen)) return 'on'
    const forced = run.cancelRequestedAt ? cancelledEnd(run) : await this.#endOf(run, turns, tx)
    return forced ? this.#over(run, forced, tx) : this.#step(run, turns, tx)
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

  async #over(run: Run, end: RunEnd, tx: Tx): Promise<Progress> {
    return (await this.end(run, end, tx)) ? 'over' : 'on'
  }

  async #step(run: Run, turns: Turn[], tx: Tx): Promise<Progress> {
    const { state, unanswered } = await this.#state(run, turns, tx)
    if (run.regenerates && turns.length > 0 && !unanswered) {
      return this.#over(run, { status: 'completed', stopReason: 'finished', error: null }, tx)
    }
    const rules = { ...run, phrase: run.stopPhrase }
    const step = nextStep(run.strategy, state, rules, await this.#progress(run, tx), unanswered)
    if ('end' in step) return this.#over(run, { status: 'completed', stopReason: step.end, error: null }, tx)
    if (await this.#deps.fileWaits.hasToWait(run.id, tx)) {
      await this.#deps.runs.markWaiting(run.id, tx)
      return 'waiting'
    }
    const { id: runId, userId } = run
    const next = { runId, userId, step: (turns.at(-1)?.step ?? -1) + 1, kind: step.kind ?? 'speak' }
    for (const [offset, agentId] of step.speak.entries()) {
      await this.#deps.turns.create({ ...next, index: turns.length + offset, agentId }, tx)
    }
    await this.#deps.runs.moveCursor(runId, turns.length + step.speak.length - 1, tx)
    return 'on'
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
