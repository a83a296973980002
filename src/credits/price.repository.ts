import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { isUniqueViolation } from '../database/transaction.ts'
import { PriceVersionRow } from './price.entity.ts'
import type { PriceVersion } from './pricing.ts'

/** A price as it is added; its first version applies at once. */
export type NewPrice = Omit<PriceVersion, 'version' | 'effectiveFrom'>

const CURRENT = 'p.effectiveFrom <= now()'

/** Prices by model, in versions that are only ever added. */
export class PriceRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** What applies now to a model: its own price, else its provider's `*`, else `*` of all. */
  findCurrentFor(provider: string, model: string, tx: Tx = this.#db.manager): Promise<PriceVersion | null> {
    return tx
      .getRepository(PriceVersionRow)
      .createQueryBuilder('p')
      .where(CURRENT)
      .andWhere(`(p.provider, p.model) IN ((:provider, :model), (:provider, '*'), ('*', '*'))`, { provider, model })
      .orderBy(`p.provider = '*'`)
      .addOrderBy(`p.model = '*'`)
      .addOrderBy('p.effectiveFrom', 'DESC')
      .addOrderBy('p.version', 'DESC')
      .limit(1)
      .getOne()
  }

  /** What applies now to every model, in the order in which the prices were added, after a price's id. */
  listCurrent(limit: number, afterPriceId: string | undefined): Promise<PriceVersion[]> {
    const query = this.#db
      .getRepository(PriceVersionRow)
      .createQueryBuilder('p')
      .distinctOn(['p.priceId'])
      .where(CURRENT)
      .orderBy('p.priceId')
      .addOrderBy('p.effectiveFrom', 'DESC')
      .addOrderBy('p.version', 'DESC')
      .limit(limit)
    if (afterPriceId) query.andWhere('p.priceId > :afterPriceId', { afterPriceId })
    return query.getMany()
  }

  /** All versions of a price, newest first, behind the one of this id. */
  listVersions(priceId: string, limit: number, before: string | undefined): Promise<PriceVersion[]> {
    const query = this.#db
      .getRepository(PriceVersionRow)
      .createQueryBuilder('p')
      .where('p.priceId = :priceId', { priceId })
      .orderBy('p.version', 'DESC')
      .limit(limit)
    if (before) {
      query.andWhere(
        'p.version < (SELECT v.version FROM price_versions v WHERE v.id = :before AND v.price_id = :priceId)',
        {
          before,
        },
      )
    }
    return query.getMany()
  }

  /** The newest version of a price, whether it applies already or not. */
  findLatest(priceId: string): Promise<PriceVersion | null> {
    return this.#db.getRepository(PriceVersionRow).findOne({ where: { priceId }, order: { version: 'DESC' } })
  }

  /** One version, whichever applies now. */
  findVersion(id: string, tx: Tx = this.#db.manager): Promise<PriceVersion | null> {
    return tx.getRepository(PriceVersionRow).findOneBy({ id })
  }

  /** Adds prices, leaving out models that have one; answers what was added. */
  async add(prices: NewPrice[], tx: Tx = this.#db.manager): Promise<PriceVersion[]> {
    if (prices.length === 0) return []
    const values = prices.map((price) => ({ ...price, version: 1 }))
    const added = await rows<{ id: string }>(
      tx,
      `INSERT INTO price_versions (id, price_id, provider, model, input_per_mtok, output_per_mtok, cached_input_per_mtok,
         cache_write_per_mtok, reasoning_per_mtok, per_call, version)
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS price (id uuid, "priceId" uuid, provider text, model text,
         "inputPerMTok" bigint, "outputPerMTok" bigint, "cachedInputPerMTok" bigint, "cacheWritePerMTok" bigint,
         "reasoningPerMTok" bigint, "perCall" bigint, version integer)
       ON CONFLICT (provider, model) WHERE version = 1 DO NOTHING
       RETURNING id`,
      [JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? value.toString() : value))],
    )
    const ids = added.map(({ id }) => id)
    return tx.getRepository(PriceVersionRow).createQueryBuilder('p').whereInIds(ids).getMany()
  }

  /** Adds a version; undefined when somebody else has added that version meanwhile. */
  async addVersion(
    next: Omit<PriceVersion, 'effectiveFrom'> & { effectiveFrom?: Date },
    tx: Tx = this.#db.manager,
  ): Promise<PriceVersion | undefined> {
    const repository = tx.getRepository(PriceVersionRow)
    try {
      await repository.insert(next)
    } catch (error) {
      if (isUniqueViolation(error, 'price_versions_version_unique')) return undefined
      throw error
    }
    return (await repository.findOneBy({ id: next.id })) ?? undefined
  }
}
