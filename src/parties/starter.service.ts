import type { AgentService } from '../agents/agent.service.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { StarterView } from '../contract/starter-views.ts'
import type { Transactions } from '../database/transaction.ts'
import { notFound } from '../shared/errors.ts'
import type { StarterRepository } from './starter.repository.ts'
import { STARTERS, type Starter } from './starters.ts'

interface StarterDependencies {
  starters: StarterRepository
  agents: Pick<AgentService, 'participants'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
}

/** Parties that are ready for everybody. */
export class StarterService {
  readonly #deps: StarterDependencies

  constructor(dependencies: StarterDependencies) {
    this.#deps = dependencies
  }

  /** In their order, those behind this id. One of whose agents somebody is gone is not offered to users: it could not talk. */
  async list(actor: AuthUser, limit: number, after: string | undefined): Promise<StarterView[]> {
    const shown = await this.#shown(STARTERS)
    return shown
      .filter(({ id, offered }) => (offered || actor.role === 'admin') && (after === undefined || id > after))
      .slice(0, limit)
  }

  /** Takes one away, or brings it back. Repeating it changes nothing. @throws AppError 404 */
  async offer(admin: AuthUser, id: string, offered: boolean): Promise<StarterView> {
    const { starters, transactions, audit } = this.#deps
    const starter = STARTERS.find((one) => one.id === id)
    if (!starter) throw notFound('starter')
    await transactions.run(async (tx) => {
      if (!(await starters.offer(id, offered, tx))) return
      const action = offered ? 'starter.offered' : 'starter.removed'
      await audit.record({ action, actorId: admin.id, targetId: id, details: { kind: starter.kind } }, tx)
    })
    const [view] = await this.#shown([starter])
    if (!view) throw notFound('starter')
    return view
  }

  /** Two queries for all of them. */
  async #shown(wanted: readonly Starter[]): Promise<StarterView[]> {
    const { starters, agents } = this.#deps
    const ids = [...new Set(wanted.flatMap(({ agentIds }) => agentIds))]
    const [removed, found] = await Promise.all([starters.removed(), agents.participants(ids)])
    const present = new Map(
      found
        .filter(({ userId, deletedAt }) => userId === null && deletedAt === null)
        .map(({ id, name, avatar, color }) => [id, { id, name, avatar, color }]),
    )
    return wanted.map(({ agentIds, strategy, maxTurns, message, ...said }) => ({
      ...said,
      offered: !removed.has(said.id) && agentIds.every((id) => present.has(id)),
      agents: agentIds.flatMap((id) => present.get(id) ?? []),
      party: { agentIds, strategy, maxTurns, message },
    }))
  }
}
