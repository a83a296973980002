import { type DataSource, IsNull } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import { accountGone, brokenReference, type Tx } from '../database/transaction.ts'
import { invalidRequest } from '../shared/errors.ts'
import { type Agent, agentEntity } from './agent.entity.ts'

export type AgentFields = Pick<
  Agent,
  | 'name'
  | 'instructions'
  | 'characteristics'
  | 'chatStyle'
  | 'connectionId'
  | 'model'
  | 'fallbackConnectionId'
  | 'fallbackModel'
  | 'temperature'
  | 'maxOutputTokens'
  | 'reasoningEffort'
  | 'tools'
  | 'maxSteps'
  | 'avatar'
  | 'color'
>

const CONNECTIONS = new Map([
  ['agents_connection_fk', 'connectionId'],
  ['agents_fallback_connection_fk', 'fallbackConnectionId'],
])

/** The connection was there when it was checked, or the user when they were authenticated. */
const referenceGone = (error: unknown): never => {
  const path = CONNECTIONS.get(brokenReference(error) ?? '')
  if (!path) throw accountGone(error)
  throw invalidRequest([{ path, message: 'is not a connection of yours' }])
}

export class AgentRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** @throws AppError as `referenceGone` has it */
  async create(agent: AgentFields & Pick<Agent, 'id' | 'userId'>, tx: Tx = this.#db.manager): Promise<Agent> {
    await tx.insert(agentEntity, agent).catch(referenceGone)
    return tx.findOneByOrFail(agentEntity, { id: agent.id })
  }

  /** Several at once, in one statement. @throws AppError as `create` */
  async createAll(agents: Array<AgentFields & Pick<Agent, 'id' | 'userId'>>, tx: Tx): Promise<void> {
    if (agents.length > 0) await tx.insert(agentEntity, agents).catch(referenceGone)
  }

  /** How many agents a user has; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    return tx.countBy(agentEntity, { userId, deletedAt: IsNull() })
  }

  /** One that the user may see: own, or the platform's. */
  findVisible(userId: string, id: string): Promise<Agent | null> {
    return this.#visible(userId).andWhere('a.id = :id', { id }).getOne()
  }

  namedVisible(userId: string, name: string, limit: number): Promise<Agent[]> {
    return this.#visible(userId).andWhere('a.name = :name', { name }).orderBy('a.id', 'DESC').take(limit).getMany()
  }

  /** What the agents that the user may see are called; as many as one may have, and the platform's. */
  async namesVisible(userId: string, tx: Tx): Promise<string[]> {
    const found = await rows<{ name: string }>(
      tx,
      'SELECT name FROM agents WHERE (user_id = $1 OR user_id IS NULL) AND deleted_at IS NULL',
      [userId],
    )
    return found.map(({ name }) => name)
  }

  /** Newest first, the platform's among them. */
  listVisible(userId: string, limit: number, before: string | undefined): Promise<Agent[]> {
    const query = this.#visible(userId).orderBy('a.id', 'DESC').take(limit)
    if (before) query.andWhere('a.id < :before', { before })
    return query.getMany()
  }

  /** Agents by id, deleted ones too: for runs, whose participants were checked when they were accepted. */
  async participants(ids: string[], tx: Tx = this.#db.manager): Promise<Agent[]> {
    const found = await tx.createQueryBuilder(agentEntity, 'a').where('a.id = ANY(:ids)', { ids }).getMany()
    const byId = new Map(found.map((agent) => [agent.id, agent]))
    return ids.flatMap((id) => byId.get(id) ?? [])
  }

  /** One that is not deleted; nobody else changes it before the end of this transaction. */
  lock(id: string, tx: Tx): Promise<Agent | null> {
    return tx.findOne(agentEntity, { where: { id, deletedAt: IsNull() }, lock: { mode: 'pessimistic_write' } })
  }

  /** Null when it was deleted meanwhile: a deleted agent would keep its new connection in use. */
  async update(id: string, change: Partial<AgentFields>, tx: Tx): Promise<Agent | null> {
    const there = { id, deletedAt: IsNull() }
    await tx.update(agentEntity, there, { ...change, updatedAt: new Date() }).catch(referenceGone)
    return tx.findOneBy(agentEntity, there)
  }

  /** Lets go of its connections too, so that a deleted agent never keeps one in use. */
  async markDeleted(id: string): Promise<void> {
    await this.#db.manager.update(
      agentEntity,
      { id },
      { deletedAt: new Date(), connectionId: null, fallbackConnectionId: null },
    )
  }

  async usingConnection(connectionId: string): Promise<Array<{ id: string; name: string }>> {
    return rows(
      this.#db.manager,
      `SELECT id, name FROM agents WHERE (connection_id = $1 OR fallback_connection_id = $1) AND deleted_at IS NULL
       ORDER BY id LIMIT 100`,
      [connectionId],
    )
  }

  #visible(userId: string) {
    return this.#db.manager
      .createQueryBuilder(agentEntity, 'a')
      .where('(a.userId = :userId OR a.userId IS NULL) AND a.deletedAt IS NULL', { userId })
  }
}
