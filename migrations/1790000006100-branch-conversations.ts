import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What a branch goes on from; no foreign keys: a branch outlives its origin. */
export class BranchConversations1790000006100 implements MigrationInterface {
  name = 'BranchConversations1790000006100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE conversations ADD COLUMN branched_from_conversation_id uuid, ADD COLUMN branched_from_message_id uuid',
    )
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE conversations DROP COLUMN branched_from_conversation_id, DROP COLUMN branched_from_message_id',
    )
  }
}
