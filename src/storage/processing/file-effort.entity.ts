import { EntitySchema } from 'typeorm'
import { bigintColumn, timestamp, uuid } from '../../database/columns.ts'

/** How long a user's files were read in ten minutes, in milliseconds: who had the least comes next. */
export class FileEffort {
  declare userId: string
  declare since: Date
  declare ms: bigint
}

export const fileEffortEntity = new EntitySchema<FileEffort>({
  name: 'FileEffort',
  target: FileEffort,
  tableName: 'file_effort',
  columns: {
    userId: uuid({ primary: true, primaryKeyConstraintName: 'file_effort_pk' }),
    since: timestamp({ primary: true, primaryKeyConstraintName: 'file_effort_pk' }),
    ms: bigintColumn(),
  },
  foreignKeys: [
    {
      name: 'file_effort_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
