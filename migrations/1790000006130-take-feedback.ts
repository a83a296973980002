import type { MigrationInterface, QueryRunner } from 'typeorm'

export class TakeFeedback1790000006130 implements MigrationInterface {
  name = 'TakeFeedback1790000006130'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE messages ADD COLUMN feedback text, ADD COLUMN feedback_comment text')
    // Of what there is none can be wrong: it is not looked at while all wait.
    await queryRunner.query(
      `ALTER TABLE messages ADD CONSTRAINT messages_feedback_known CHECK (feedback IN ('up', 'down')) NOT VALID`,
    )
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE messages DROP COLUMN feedback, DROP COLUMN feedback_comment')
  }
}
