import { EntitySchema } from 'typeorm'
import { createdAt, uuid } from '../database/columns.ts'

/** The one row that says which installation a database is. */
export class Installation {
  declare id: string
  declare isOnly: boolean
  declare createdAt: Date
}

export const installationEntity = new EntitySchema<Installation>({
  name: 'Installation',
  target: Installation,
  tableName: 'installation',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'installation_pk' }),
    isOnly: { type: 'boolean', default: true },
    createdAt: createdAt(),
  },
  uniques: [{ name: 'installation_is_only_key', columns: ['isOnly'] }],
  checks: [{ name: 'installation_is_only', expression: 'is_only' }],
})
