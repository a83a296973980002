import { EntitySchema } from 'typeorm'
import { createdAt, jsonb, text, uuid } from '../database/columns.ts'

/** An answer that was given to a request, kept in the transaction that accepted it, so that a repeat gets the same. */
export class IdempotencyKey {
  declare userId: string
  declare route: string
  declare key: string
  declare bodyHash: string
  declare response: unknown
  declare createdAt: Date
}

export const idempotencyKeyEntity = new EntitySchema<IdempotencyKey>({
  name: 'IdempotencyKey',
  target: IdempotencyKey,
  tableName: 'idempotency_keys',
  columns: {
    userId: uuid({ primary: true, primaryKeyConstraintName: 'idempotency_keys_pk' }),
    route: text({ primary: true, primaryKeyConstraintName: 'idempotency_keys_pk' }),
    key: text({ primary: true, primaryKeyConstraintName: 'idempotency_keys_pk' }),
    bodyHash: text(),
    response: jsonb({ nullable: true }),
    createdAt: createdAt(),
  },
  indices: [{ name: 'idempotency_keys_age', columns: ['createdAt'] }],
  foreignKeys: [
    {
      name: 'idempotency_keys_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
