import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateDoorThreads1790000005900 implements MigrationInterface {
  name = 'CreateDoorThreads1790000005900'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE door_threads (
        user_id uuid NOT NULL CONSTRAINT door_threads_user_fk REFERENCES users ON DELETE CASCADE,
        door text NOT NULL CONSTRAINT door_threads_door_known CHECK (door IN ('openai', 'ui', 'ag-ui')),
        thread text NOT NULL CONSTRAINT door_threads_thread_short CHECK (octet_length(thread) <= 255),
        conversation_id uuid NOT NULL CONSTRAINT door_threads_conversation_fk REFERENCES conversations ON DELETE CASCADE,
        given jsonb CONSTRAINT door_threads_given_short CHECK (octet_length(given::text) <= 16384),
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT door_threads_pk PRIMARY KEY (user_id, door, thread)
      )`)
    await queryRunner.query('CREATE INDEX door_threads_conversation ON door_threads (conversation_id)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE door_threads')
  }
}
