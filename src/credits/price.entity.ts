import { EntitySchema } from 'typeorm'
import { MOST_PER_CALL, MOST_PER_MTOK } from '../contract/credits.schemas.ts'
import { bigintColumn, createdAt, id, integer, text, timestamp, uuid } from '../database/columns.ts'
import type { PriceVersion } from './pricing.ts'

/** A version of a price as it is stored, in micro-credits. */
export class PriceVersionRow implements PriceVersion {
  declare id: string
  declare priceId: string
  declare provider: string
  declare model: string
  declare inputPerMTok: bigint
  declare outputPerMTok: bigint
  declare cachedInputPerMTok: bigint
  declare cacheWritePerMTok: bigint
  declare reasoningPerMTok: bigint
  declare perCall: bigint
  declare version: number
  declare effectiveFrom: Date
  declare createdAt: Date
}

export const priceVersionEntity = new EntitySchema<PriceVersionRow>({
  name: 'PriceVersion',
  target: PriceVersionRow,
  tableName: 'price_versions',
  columns: {
    id: id(),
    priceId: uuid(),
    provider: text(),
    model: text(),
    inputPerMTok: bigintColumn({ name: 'input_per_mtok' }),
    outputPerMTok: bigintColumn({ name: 'output_per_mtok' }),
    cachedInputPerMTok: bigintColumn({ name: 'cached_input_per_mtok' }),
    cacheWritePerMTok: bigintColumn({ name: 'cache_write_per_mtok' }),
    reasoningPerMTok: bigintColumn({ name: 'reasoning_per_mtok' }),
    perCall: bigintColumn(),
    version: integer(),
    effectiveFrom: timestamp({ default: () => 'now()' }),
    createdAt: createdAt(),
  },
  checks: [
    {
      name: 'price_versions_within_reason',
      expression: `input_per_mtok BETWEEN 0 AND ${MOST_PER_MTOK} AND output_per_mtok BETWEEN 0 AND ${MOST_PER_MTOK}
        AND cached_input_per_mtok BETWEEN 0 AND ${MOST_PER_MTOK} AND cache_write_per_mtok BETWEEN 0 AND ${MOST_PER_MTOK}
        AND reasoning_per_mtok BETWEEN 0 AND ${MOST_PER_MTOK} AND per_call BETWEEN 0 AND ${MOST_PER_CALL}`,
    },
    { name: 'price_versions_wildcard_last', expression: `provider <> '*' OR model = '*'` },
  ],
  indices: [
    { name: 'price_versions_version_unique', columns: ['priceId', 'version'], unique: true },
    { name: 'price_versions_model_unique', columns: ['provider', 'model'], unique: true, where: 'version = 1' },
    { name: 'price_versions_current', columns: ['provider', 'model', 'effectiveFrom'] },
  ],
})
