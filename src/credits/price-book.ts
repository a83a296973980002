import type { Tx } from '../database/transaction.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { PriceRepository } from './price.repository.ts'
import type { PriceVersion, Rates } from './pricing.ts'

/** What calls cost. Prices are asked from the database for each call, so a change applies to the next call everywhere. */
export class PriceBook {
  readonly #prices: PriceRepository

  constructor(prices: PriceRepository) {
    this.#prices = prices
  }

  /**
   * The price that applies now: the model's own, else the provider's wildcard, else `* / *`.
   * @throws AppError 422 `model.unpriced`
   */
  async priceOf(provider: string, model: string): Promise<PriceVersion> {
    return this.require(await this.#prices.findCurrentFor(provider, model), provider, model)
  }

  /** A price that was read already; null is what was not found. @throws AppError 422 `model.unpriced` */
  require(price: PriceVersion | null, provider: string, model: string): PriceVersion {
    if (price) return price
    throw new AppError('model.unpriced', { words: { provider, model }, details: { provider, model } })
  }

  /** A version that a call was quoted by; versions are never deleted. */
  async version(id: string, tx?: Tx): Promise<PriceVersion> {
    const version = await this.#prices.findVersion(id, tx)
    if (!version) throw new Error(`price version ${id} does not exist`)
    return version
  }

  /** What applies now, up to `limit` prices after a price's id. */
  list(limit: number, afterPriceId?: string): Promise<PriceVersion[]> {
    return this.#prices.listCurrent(limit, afterPriceId)
  }

  /** All versions of a price, newest first, behind the one of this id. @throws AppError 404 `price.not_found` */
  async versions(priceId: string, limit: number, before?: string): Promise<PriceVersion[]> {
    if (!(await this.#prices.findLatest(priceId))) throw notFound('price')
    return this.#prices.listVersions(priceId, limit, before)
  }

  /** Prices a model that has none. @throws AppError 409 `credits.price_exists` */
  async add(provider: string, model: string, rates: Rates, tx?: Tx): Promise<PriceVersion> {
    const [added] = await this.#prices.add([{ ...rates, id: newId(), priceId: newId(), provider, model }], tx)
    if (added) return added
    throw new AppError('credits.price_exists', { words: { provider, model } })
  }

  /**
   * Starts a new version, at once or at `effectiveFrom`; what is not given stays as it is in the newest version. Charges
   * made before keep theirs.
   * @throws AppError 404 for an unknown price; 409 `credits.price_changed` when another version came in between; nothing else can be
   * written in the transaction then
   */
  async change(priceId: string, rates: Partial<Rates>, effectiveFrom?: Date, tx?: Tx): Promise<PriceVersion> {
    const latest = await this.#prices.findLatest(priceId)
    if (!latest) throw notFound('price')
    const { provider, model, inputPerMTok, outputPerMTok, cachedInputPerMTok, cacheWritePerMTok } = latest
    const { reasoningPerMTok, perCall, version } = latest
    const kept = { inputPerMTok, outputPerMTok, cachedInputPerMTok, cacheWritePerMTok, reasoningPerMTok, perCall }
    const changed = { ...kept, ...rates, id: newId(), priceId, provider, model, version: version + 1 }
    const next = await this.#prices.addVersion({ ...changed, ...(effectiveFrom ? { effectiveFrom } : {}) }, tx)
    if (next) return next
    throw new AppError('credits.price_changed')
  }
}
