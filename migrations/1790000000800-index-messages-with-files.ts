import type { MigrationInterface, QueryRunner } from 'typeorm'

export class IndexMessagesWithFiles1790000000800 implements MigrationInterface {
  name = 'IndexMessagesWithFiles1790000000800'

  async up(queryRunner: QueryRunner): Promise<void> {
    // The files of a conversation are found without reading all that was said in it.
    await queryRunner.query(
      `CREATE INDEX messages_with_files ON messages (conversation_id, seq) WHERE file_ids <> '{}'`,
    )
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX messages_with_files')
  }
}
