import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Whether what a branch was begun with has the form that its run asked for: its copies are of no run. */
export class KeepFormsInBranches1790000007005 implements MigrationInterface {
  name = 'KeepFormsInBranches1790000007005'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE messages ADD COLUMN is_data boolean NOT NULL DEFAULT false')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE messages DROP COLUMN is_data')
  }
}
