import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Party, partyEntity } from './party.entity.ts'

export type PartyFields = Omit<Party, 'id' | 'userId' | 'createdAt' | 'updatedAt'>

export class PartyRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How many a user has; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    return tx.countBy(partyEntity, { userId })
  }

  /** What a user's parties are called; as many as one may have. */
  async names(userId: string, tx: Tx): Promise<string[]> {
    const found = await rows<{ name: string }>(tx, 'SELECT name FROM parties WHERE user_id = $1', [userId])
    return found.map(({ name }) => name)
  }

  async create(party: PartyFields & Pick<Party, 'id' | 'userId'>, tx: Tx): Promise<Party> {
    await tx.insert(partyEntity, party)
    return tx.findOneByOrFail(partyEntity, { id: party.id })
  }

  /** Newest first. */
  list(userId: string, limit: number, before: string | undefined): Promise<Party[]> {
    const query = this.#db.manager
      .createQueryBuilder(partyEntity, 'p')
      .where('p.userId = :userId', { userId })
      .orderBy('p.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('p.id < :before', { before })
    return query.getMany()
  }

  named(userId: string, name: string, limit: number): Promise<Party[]> {
    return this.#db.manager.find(partyEntity, { where: { userId, name }, order: { id: 'DESC' }, take: limit })
  }

  findOwned(userId: string, id: string): Promise<Party | null> {
    return this.#db.manager.findOneBy(partyEntity, { id, userId })
  }

  /** The same; nobody else changes it before the end of this transaction. */
  lockOwned(userId: string, id: string, tx: Tx): Promise<Party | null> {
    return tx.findOne(partyEntity, { where: { id, userId }, lock: { mode: 'pessimistic_write' } })
  }

  /** Null when it is not this user's, or was deleted meanwhile. */
  async update(userId: string, id: string, change: Partial<PartyFields>, tx: Tx): Promise<Party | null> {
    await tx.update(partyEntity, { id, userId }, { ...change, updatedAt: new Date() })
    return tx.findOneBy(partyEntity, { id, userId })
  }

  /** Runs that it began go on. False when it is not this user's. */
  async delete(userId: string, id: string): Promise<boolean> {
    const { affected } = await this.#db.manager.delete(partyEntity, { id, userId })
    return affected === 1
  }
}
