import { EntitySchema } from 'typeorm'
import { timestamp, uuid } from '../database/columns.ts'

/**
 * What a user has sent of late, whatever became of it. Each byte costs a piece of the day; this is the moment at which what was sent so
 * far is paid back. A whole limit may be taken at once, and comes back evenly.
 */
export class MessageBudgetRow {
  declare userId: string
  declare takenUntil: Date
}

export const messageBudgetEntity = new EntitySchema<MessageBudgetRow>({
  name: 'MessageBudget',
  target: MessageBudgetRow,
  tableName: 'message_budgets',
  columns: {
    userId: uuid({ primary: true, primaryKeyConstraintName: 'message_budgets_pk' }),
    takenUntil: timestamp(),
  },
  foreignKeys: [
    {
      name: 'message_budgets_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
