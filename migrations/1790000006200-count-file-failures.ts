import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Tries of a file that failed are counted apart from those whose worker was killed. */
export class CountFileFailures1790000006200 implements MigrationInterface {
  name = 'CountFileFailures1790000006200'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE files ADD COLUMN failures integer NOT NULL DEFAULT 0')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE files DROP COLUMN failures')
  }
}
