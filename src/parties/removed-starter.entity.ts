import { EntitySchema } from 'typeorm'
import { createdAt, uuid } from '../database/columns.ts'

/** That an administrator has taken a ready-made party away: neither a start nor a new version brings it back. */
export class RemovedStarter {
  declare id: string
  declare createdAt: Date
}

export const removedStarterEntity = new EntitySchema<RemovedStarter>({
  name: 'RemovedStarter',
  target: RemovedStarter,
  tableName: 'removed_starters',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'removed_starters_pk' }),
    createdAt: createdAt(),
  },
})
