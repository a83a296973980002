import type { MigrationInterface, QueryRunner } from 'typeorm'

/** How long each user's files were read of late. */
export class NoteFileEffort1790000004620 implements MigrationInterface {
  name = 'NoteFileEffort1790000004620'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE file_effort (
        user_id uuid NOT NULL CONSTRAINT file_effort_user_fk REFERENCES users (id) ON DELETE CASCADE,
        since timestamptz NOT NULL,
        ms bigint NOT NULL,
        CONSTRAINT file_effort_pk PRIMARY KEY (user_id, since)
      )`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE file_effort')
  }
}
