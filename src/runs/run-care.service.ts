import type { AuditLog } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import { isTerminal, type RunView } from '../contract/views.ts'
import type { Transactions } from '../database/transaction.ts'
import { sentenceOf } from '../shared/error-words.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { CancelService } from './cancel.service.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { RunEnd } from './following.ts'
import type { RunRepository } from './run.repository.ts'
import type { CaredRun, CareState, RunCareRepository } from './run-care.repository.ts'
import type { RunViews } from './run-views.ts'

interface CareDependencies {
  care: RunCareRepository
  runs: Pick<RunRepository, 'find' | 'lock'>
  views: Pick<RunViews, 'ofRuns'>
  cancels: Pick<CancelService, 'force'>
  dispatcher: Pick<Dispatcher, 'admit'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record' | 'recordAlone'>
}

const HOUR_MS = 3_600_000

const ENDED: RunEnd = {
  status: 'failed',
  stopReason: 'failed',
  error: { code: 'run.ended_by_operator', message: sentenceOf('run.ended_by_operator') },
}

/** What an operator sees of runs and does to those that do not move. All of it is in the audit log. */
export class RunCareService {
  readonly #deps: CareDependencies

  constructor(dependencies: CareDependencies) {
    this.#deps = dependencies
  }

  /** Newest first; of failed ones those of the last `hours`. */
  async list(
    actor: AuthUser,
    { state, hours, limit, cursor }: { state: CareState; hours: number; limit: number; cursor?: string | undefined },
  ): Promise<CaredRun[]> {
    const found = await this.#deps.care.list(state, new Date(Date.now() - hours * HOUR_MS), limit, cursor)
    await this.#deps.audit.recordAlone({
      action: 'run.listed',
      actorId: actor.id,
      details: { state, runs: found.length },
    })
    return found
  }

  /** Ends a run now, as failed, whoever works on it; what was said stays and is paid for. One that is over is answered as it is. @throws AppError 404 */
  async end(actor: AuthUser, runId: string): Promise<RunView> {
    const { runs, cancels, audit } = this.#deps
    const run = await runs.find(runId)
    if (!run) throw notFound('run')
    if (!isTerminal(run.status)) {
      const details = { userId: run.userId, status: run.status }
      await audit.recordAlone({ action: 'run.ended', actorId: actor.id, targetId: runId, details })
      await cancels.force(runId, () => ENDED)
    }
    return this.#view(runId)
  }

  /**
   * Has what waits of a run tried now: without its backoff, under a new job. What a worker has stays with it, and an open breaker
   * is still waited for. @throws AppError 404; 409 `run.over`
   */
  async retry(actor: AuthUser, runId: string): Promise<RunView> {
    const { runs, care, dispatcher, transactions, audit } = this.#deps
    const userId = await transactions.run(async (tx) => {
      const run = await runs.lock(runId, tx)
      if (!run) throw notFound('run')
      if (isTerminal(run.status)) throw new AppError('run.over')
      const turns = await care.nudge(runId, tx)
      const details = { userId: run.userId, status: run.status, turns }
      await audit.record({ action: 'run.retried', actorId: actor.id, targetId: runId, details }, tx)
      return run.userId
    })
    await dispatcher.admit(userId)
    return this.#view(runId)
  }

  async #view(runId: string): Promise<RunView> {
    const view = (await this.#deps.views.ofRuns([runId])).get(runId)
    if (!view) throw notFound('run')
    return view
  }
}
