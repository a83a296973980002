import { EntitySchema } from 'typeorm'
import { createdAt, integer, text, updatedAt } from '../database/columns.ts'

/** The one value that tells whether ENCRYPTION_KEYS are those of this database. */
export class KeyCanary {
  declare id: number
  declare valueSealed: string
  declare createdAt: Date
  declare updatedAt: Date
}

export const keyCanaryEntity = new EntitySchema<KeyCanary>({
  name: 'KeyCanary',
  target: KeyCanary,
  tableName: 'key_canaries',
  columns: {
    id: integer({ primary: true, primaryKeyConstraintName: 'key_canaries_pk' }),
    valueSealed: text(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [{ name: 'key_canaries_one', expression: 'id = 1' }],
})
