import { EntitySchema } from 'typeorm'
import { bigintColumn, createdAt, id, integer, text, timestamp, uuid } from '../database/columns.ts'

const nullable = { nullable: true }

/** A code by which an administrator lets people in. Only its hash is kept. */
export class Invitation {
  declare id: string
  declare codeHash: string
  /** Micro-credits for each who comes by it; null is what newcomers are given otherwise. */
  declare grant: bigint | null
  /** How many may come by it, and how many did. */
  declare uses: number
  declare used: number
  /** The only address that may use it, if any. */
  declare email: string | null
  declare expiresAt: Date | null
  declare revokedAt: Date | null
  declare createdBy: string | null
  declare createdAt: Date
}

export const invitationEntity = new EntitySchema<Invitation>({
  name: 'Invitation',
  target: Invitation,
  tableName: 'invitations',
  columns: {
    id: { ...id(), primaryKeyConstraintName: 'invitations_pk' },
    codeHash: text(),
    grant: bigintColumn(nullable),
    uses: integer(),
    used: integer({ default: 0 }),
    email: text(nullable),
    expiresAt: timestamp(nullable),
    revokedAt: timestamp(nullable),
    createdBy: uuid(nullable),
    createdAt: createdAt(),
  },
  checks: [
    { name: 'invitations_used_within', expression: 'used >= 0 AND used <= uses' },
    { name: 'invitations_grant_not_negative', expression: '"grant" >= 0' },
  ],
  indices: [{ name: 'invitations_code_hash_unique', columns: ['codeHash'], unique: true }],
})

/** Who came by which invitation. */
export class InvitationUse {
  declare userId: string
  declare invitationId: string
  declare createdAt: Date
}

export const invitationUseEntity = new EntitySchema<InvitationUse>({
  name: 'InvitationUse',
  target: InvitationUse,
  tableName: 'invitation_uses',
  columns: {
    userId: uuid({ primary: true, primaryKeyConstraintName: 'invitation_uses_pk' }),
    invitationId: uuid(),
    createdAt: createdAt(),
  },
  indices: [{ name: 'invitation_uses_invitation', columns: ['invitationId'] }],
  foreignKeys: [
    {
      name: 'invitation_uses_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'invitation_uses_invitation_fk',
      target: 'Invitation',
      columnNames: ['invitationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
