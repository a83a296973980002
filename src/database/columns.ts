import type { EntitySchemaColumnOptions } from 'typeorm'

type Options = Partial<EntitySchemaColumnOptions>

/** Column presets for EntitySchema, so that a kind of value is stored the same way in every table. */
export const id = (): EntitySchemaColumnOptions => ({ type: 'uuid', primary: true })
export const uuid = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'uuid', ...options })
export const uuidArray = (options: Options = {}): EntitySchemaColumnOptions => ({
  type: 'uuid',
  array: true,
  ...options,
})
export const text = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'text', ...options })
export const integer = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'integer', ...options })
export const real = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'double precision', ...options })
export const boolean = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'boolean', ...options })
/** As it was written: models read the members of a schema in their order. */
export const json = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'json', ...options })
export const jsonb = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'jsonb', ...options })
export const timestamp = (options: Options = {}): EntitySchemaColumnOptions => ({ type: 'timestamptz', ...options })
export const createdAt = (): EntitySchemaColumnOptions => ({ type: 'timestamptz', createDate: true })
export const updatedAt = (): EntitySchemaColumnOptions => ({ type: 'timestamptz', updateDate: true })

/** pg gives int8 as text because a JavaScript number cannot hold it; money and counters are `bigint` in code. */
export const bigintColumn = (options: Options = {}): EntitySchemaColumnOptions => ({
  type: 'bigint',
  transformer: {
    from: (value: string | null) => (value === null ? null : BigInt(value)),
    to: (value: bigint | null | undefined) => value?.toString() ?? value,
  },
  ...options,
})
