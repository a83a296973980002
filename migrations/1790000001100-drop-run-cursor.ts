import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Foreign keys that were not called `<table>_<column without _id>_fk`, and what they are called now. */
const FOREIGN_KEYS = [
  { table: 'files', before: 'files_user_id_fkey', now: 'files_user_fk' },
  { table: 'file_chunks', before: 'file_chunks_file_id_fkey', now: 'file_chunks_file_fk' },
]

/**
 * `runs.cursor` was written and never read: the number of a run's turns says the same. Foreign keys
 * follow one pattern. Processes of the version before name the column when they accept a message, so they end before this.
 */
export class DropRunCursor1790000001100 implements MigrationInterface {
  name = 'DropRunCursor1790000001100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE runs DROP COLUMN cursor')
    for (const { table, before, now } of FOREIGN_KEYS) {
      await queryRunner.query(`ALTER TABLE ${table} RENAME CONSTRAINT ${before} TO ${now}`)
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const { table, before, now } of FOREIGN_KEYS) {
      await queryRunner.query(`ALTER TABLE ${table} RENAME CONSTRAINT ${now} TO ${before}`)
    }
    await queryRunner.query('ALTER TABLE runs ADD COLUMN cursor integer NOT NULL DEFAULT 0')
    await queryRunner.query(
      'UPDATE runs SET cursor = (SELECT coalesce(max(index), 0) FROM turns WHERE run_id = runs.id)',
    )
  }
}
