import { EntitySchema } from 'typeorm'
import { timestamp, uuid } from '../database/columns.ts'

/**
 * What a user has published and imported of late, whatever became of it. Each time costs a piece of the day; this is the moment at which
 * what was done so far is paid back. A whole day's may be done at once, and comes back evenly.
 */
export class GalleryBudget {
  declare userId: string
  declare takenUntil: Date
}

export const galleryBudgetEntity = new EntitySchema<GalleryBudget>({
  name: 'GalleryBudget',
  target: GalleryBudget,
  tableName: 'gallery_budgets',
  columns: {
    userId: uuid({ primary: true, primaryKeyConstraintName: 'gallery_budgets_pk' }),
    takenUntil: timestamp(),
  },
  foreignKeys: [
    {
      name: 'gallery_budgets_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
