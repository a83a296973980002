import { EntitySchema } from 'typeorm'
import { boolean, createdAt, integer, jsonb, text, timestamp, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/**
 * How far an erasure is. `rows`: the database's rows go, in batches. `objects`: what the store has of the files goes. `settling`: an
 * upload or a reader that was under way may have written since; after a while it is all looked through once more. `done`.
 */
export const erasurePhases = ['rows', 'objects', 'settling', 'done'] as const
export type ErasurePhase = (typeof erasurePhases)[number]

/** The erasure of one user. Ids and counts, and not a word of theirs: it stays. */
export class Erasure {
  declare id: string
  declare userId: string
  declare requestedBy: string
  declare phase: ErasurePhase
  /** When it goes on; while somebody works on it, when another one may. */
  declare dueAt: Date
  /** Tries in a row that came to nothing. */
  declare failures: number
  /** What kind of error the last try met; null when it met none. */
  declare error: string | null
  /** What was removed so far, by kind. */
  declare counts: Record<string, number>
  declare createdAt: Date
  declare doneAt: Date | null
  /** When the audit log forgot from where the user had come. */
  declare networksErasedAt: Date | null
}

export const erasureEntity = new EntitySchema<Erasure>({
  name: 'Erasure',
  target: Erasure,
  tableName: 'erasures',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'erasures_pk' }),
    userId: uuid(),
    requestedBy: uuid(),
    phase: text({ default: 'rows' }),
    dueAt: timestamp({ default: () => 'now()' }),
    failures: integer({ default: 0 }),
    error: text({ nullable: true }),
    counts: jsonb({ default: {} }),
    createdAt: createdAt(),
    doneAt: timestamp({ nullable: true }),
    networksErasedAt: timestamp({ nullable: true }),
  },
  checks: [
    { name: 'erasures_phase_known', expression: `phase IN ${wordList(erasurePhases)}` },
    { name: 'erasures_done_whole', expression: `(phase = 'done') = (done_at IS NOT NULL)` },
  ],
  indices: [
    { name: 'erasures_user_unique', columns: ['userId'], unique: true },
    { name: 'erasures_due', columns: ['dueAt'], where: `phase <> 'done'` },
    { name: 'erasures_networks', columns: ['doneAt'], where: 'networks_erased_at IS NULL' },
  ],
})

/** A file whose objects an erasure removes: its own row, with its name, is gone by then. */
export class ErasureFile {
  declare erasureId: string
  declare fileId: string
  declare isRemoved: boolean
}

export const erasureFileEntity = new EntitySchema<ErasureFile>({
  name: 'ErasureFile',
  target: ErasureFile,
  tableName: 'erasure_files',
  columns: {
    erasureId: uuid({ primary: true, primaryKeyConstraintName: 'erasure_files_pk' }),
    fileId: uuid({ primary: true, primaryKeyConstraintName: 'erasure_files_pk' }),
    isRemoved: boolean({ default: false }),
  },
  foreignKeys: [
    {
      name: 'erasure_files_erasure_fk',
      target: 'Erasure',
      columnNames: ['erasureId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
