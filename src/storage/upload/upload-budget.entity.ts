import { EntitySchema } from 'typeorm'
import { timestamp, uuid } from '../../database/columns.ts'

/**
 * What a user has uploaded of late, whatever became of it. Each byte and each upload costs a piece of time; these are the moments at
 * which what was taken so far is paid back. A whole limit may be taken at once, and comes back evenly.
 */
export class UploadBudget {
  declare userId: string
  declare bytesUntil: Date
  declare uploadsUntil: Date
}

export const uploadBudgetEntity = new EntitySchema<UploadBudget>({
  name: 'UploadBudget',
  target: UploadBudget,
  tableName: 'upload_budgets',
  columns: {
    userId: uuid({ primary: true, primaryKeyConstraintName: 'upload_budgets_pk' }),
    bytesUntil: timestamp(),
    uploadsUntil: timestamp(),
  },
  foreignKeys: [
    {
      name: 'upload_budgets_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
