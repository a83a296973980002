import type { AgentRepository } from '../agents/agent.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { Tx } from '../database/transaction.ts'
import type { FileWaitRepository } from './file-wait.repository.ts'
import { cancelledEnd, following, type RunEnd, type RunState } from './following.ts'
import type { Run } from './run.entity.ts'
import type { RunRepository } from './run.repository.ts'
import { isOpen } from './states.ts'
import type { Turn } from './turn.entity.ts'
import type { TurnRepository } from './turn.repository.ts'

interface StepDependencies {
  runs: RunRepository
  turns: TurnRepository
  agents: AgentRepository
  messages: MessageRepository
  ledger: Pick<LedgerService, 'spentOf'>
  fileWaits: Pick<FileWaitRepository, 'hasToWait'>
  runDeadlineMs: number
}

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
  async begin(run: Run, tx: Tx): Promise<void> {
    await this.#step(run, [], tx)
  }

  /** The next turns of a run that waited for files; false when it still has to wait, and nothing changed. */
  async resume(run: Run, tx: Tx): Promise<boolean> {
    if (await this.#deps.fileWaits.hasToWait(run.id, tx)) return false
    const turns = await this.#deps.turns.listOf([run.id], tx)
    // It waits for people, who decide on calls of a turn.
    if (turns.some(isOpen)) return false
    await this.#deps.runs.markQueued(run.id, tx)
    await this.#step(run, turns, tx)
    return true
  }

  /**
   * After a turn was settled: the next turns, a wait for files, or the end; by the last of its siblings to settle. False when
   * the run does not just go on with its turns: also where those that are left wait for people.
   */
  async advance(run: Run, tx: Tx): Promise<boolean> {
    if (run.cancelRequestedAt) await this.#deps.turns.cancelQueued(run.id, tx)
    const turns = await this.#deps.turns.listOf([run.id], tx)
    if (turns.some(isOpen)) return !(turns.some(isSetAside) && (await this.#deps.runs.rests(run.id, tx)))
    return run.cancelRequestedAt ? !(await this.end(run, cancelledEnd(run), tx)) : this.#step(run, turns, tx)
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

  /** False when the run waits for files now, or is over. */
  async #step(run: Run, turns: Turn[], tx: Tx): Promise<boolean> {
    const next = following(await this.#state(run, turns, tx))
    if ('end' in next) return !(await this.end(run, next.end, tx))
    if (await this.#deps.fileWaits.hasToWait(run.id, tx)) {
      await this.#deps.runs.markWaiting(run.id, tx)
      return false
    }
    const { id: runId, userId } = run
    for (const [offset, agentId] of next.speak.entries()) {
      const index = turns.length + offset
      await this.#deps.turns.create({ runId, userId, step: next.step, kind: next.kind, index, agentId }, tx)
    }
    return true
  }

  async #state(run: Run, turns: Turn[], tx: Tx): Promise<RunState> {
    const { agents, messages, ledger, runs } = this.#deps
    const last = turns.at(-1)
    return {
      run,
      participants: await agents.participants(run.agentIds, tx),
      turns,
      user: await messages.lastOfUser(run.id, tx),
      lastWords: last?.messageId ? await messages.textOf(last.messageId, tx) : '',
      spent: run.maxCredits === null ? 0n : await ledger.spentOf(run.id, tx),
      seconds: run.maxSeconds === null ? 0 : await runs.secondsSinceStart(run.id, tx),
    }
  }
}

/** It was given up once, for people to decide: perhaps they have not yet. */
const isSetAside = ({ status, waits }: Turn): boolean => status === 'queued' && waits > 0
