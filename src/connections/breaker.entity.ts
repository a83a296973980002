import { EntitySchema } from 'typeorm'
import { boolean, integer, text, timestamp } from '../database/columns.ts'

/**
 * A connection, a host or a model in trouble; what is well has no row. Open until `openUntil`, then half open: one call at a time probes,
 * until `probeUntil`. `breakers.sql` has the rules.
 */
export class Breaker {
  /** A connection's id; with one of its models, behind a blank; or whose connections and which host: `own api.example.com`, `platform openai`. */
  declare subject: string
  /** In a row. */
  declare failures: number
  /** How often it has opened since it was well. */
  declare opens: number
  declare openUntil: Date | null
  declare probeUntil: Date | null
  /** True: turns wait for it without a place. False: they fail at once. */
  declare holds: boolean
  /** Of the last failure. */
  declare code: string
  declare changedAt: Date
}

export const breakerEntity = new EntitySchema<Breaker>({
  name: 'Breaker',
  target: Breaker,
  tableName: 'breakers',
  columns: {
    subject: text({ primary: true, primaryKeyConstraintName: 'breakers_pk' }),
    failures: integer({ default: 0 }),
    opens: integer({ default: 0 }),
    openUntil: timestamp({ nullable: true }),
    probeUntil: timestamp({ nullable: true }),
    holds: boolean({ default: true }),
    code: text(),
    changedAt: timestamp({ default: () => 'now()' }),
  },
})
