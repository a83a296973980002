import { EntitySchema } from 'typeorm'
import { bigintColumn, boolean, createdAt, text, timestamp, uuid } from '../database/columns.ts'

/**
 * That an address was given its welcome credits, or is to be given them. It has no foreign key, because it outlives the account:
 * an address is given them once for ever.
 */
export class SignupGrant {
  /** The keyed hash of the address (`address-hashes.ts`); of a guest, who has none, `guest:` and the user's id. */
  declare addressHash: string
  declare userId: string
  declare amount: bigint
  /** Whether it counts for the daily budget; what an administrator decided upon does not. */
  declare budgeted: boolean
  declare createdAt: Date
  /** Null while it waits for the budget. */
  declare givenAt: Date | null
}

export const signupGrantEntity = new EntitySchema<SignupGrant>({
  name: 'SignupGrant',
  target: SignupGrant,
  tableName: 'signup_grants',
  columns: {
    addressHash: text({ primary: true, primaryKeyConstraintName: 'signup_grants_pk' }),
    userId: uuid(),
    amount: bigintColumn(),
    budgeted: boolean(),
    createdAt: createdAt(),
    givenAt: timestamp({ nullable: true }),
  },
  checks: [{ name: 'signup_grants_amount_positive', expression: 'amount > 0' }],
  indices: [
    { name: 'signup_grants_user', columns: ['userId'] },
    { name: 'signup_grants_given', columns: ['givenAt'] },
    { name: 'signup_grants_waiting', columns: ['createdAt'], where: 'given_at IS NULL' },
  ],
})

/** A key of the server's own that must outlive every other secret; sealed. */
export class ServerKey {
  declare id: string
  declare keySealed: string
  declare createdAt: Date
}

export const serverKeyEntity = new EntitySchema<ServerKey>({
  name: 'ServerKey',
  target: ServerKey,
  tableName: 'server_keys',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'server_keys_pk' }),
    keySealed: text(),
    createdAt: createdAt(),
  },
})
