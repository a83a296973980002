import { EntitySchema } from 'typeorm'
import { type StrategyName, strategies } from '../contract/views.ts'
import { bigintColumn, createdAt, integer, text, updatedAt, uuid, uuidArray } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/**
 * A party that was saved: who talks, how, and for how long at most. It is read when a run is accepted; runs keep what they were
 * accepted with, whatever becomes of it.
 */
export class Party {
  declare id: string
  declare userId: string
  declare name: string
  /** In the order in which they speak. Some may have been deleted since. */
  declare agentIds: string[]
  declare strategy: StrategyName
  /** Null: the usual number of its strategy. */
  declare maxTurns: number | null
  declare maxRounds: number | null
  /** Micro-credits. */
  declare maxCredits: bigint | null
  declare maxSeconds: number | null
  declare stopPhrase: string | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const partyEntity = new EntitySchema<Party>({
  name: 'Party',
  target: Party,
  tableName: 'parties',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'parties_pk' }),
    userId: uuid(),
    name: text(),
    agentIds: uuidArray(),
    strategy: text(),
    maxTurns: integer({ nullable: true }),
    maxRounds: integer({ nullable: true }),
    maxCredits: bigintColumn({ nullable: true }),
    maxSeconds: integer({ nullable: true }),
    stopPhrase: text({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [{ name: 'parties_strategy_known', expression: `strategy IN ${wordList(strategies)}` }],
  indices: [{ name: 'parties_user', columns: ['userId', 'id'] }],
  foreignKeys: [
    {
      name: 'parties_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
