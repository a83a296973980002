import type { QueryRunner } from 'typeorm'
import type { Migration } from '../src/database/migration.ts'

/** Words of messages, which the reconciler notes from here on, also of all that was said before. Reads every conversation once. */
export class FindMessages1790000006120 implements Migration {
  name = 'FindMessages1790000006120'
  isLong = true

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE message_words (
        message_id uuid NOT NULL,
        search tsvector NOT NULL,
        CONSTRAINT message_words_pk PRIMARY KEY (message_id),
        CONSTRAINT message_words_message_fk FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
      )`)
    await queryRunner.query('CREATE INDEX message_words_search ON message_words USING gin (search)')
    await queryRunner.query('ALTER TABLE conversations ADD COLUMN noted_seq integer NOT NULL DEFAULT 0')
    await queryRunner.query('CREATE INDEX conversations_unnoted ON conversations (user_id) WHERE noted_seq < last_seq')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE conversations DROP COLUMN noted_seq')
    await queryRunner.query('DROP TABLE message_words')
  }
}
