import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What the run of a tick has cost is looked up once, after its end: a schedule that ticks each minute has 44,640 of them a month. */
export class NoteWhatTicksCost1790000005692 implements MigrationInterface {
  name = 'NoteWhatTicksCost1790000005692'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE schedule_ticks ADD COLUMN spent bigint')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE schedule_ticks DROP COLUMN spent')
  }
}
