import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateConversations1790000000500 implements MigrationInterface {
  name = 'CreateConversations1790000000500'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE conversations (
        id uuid CONSTRAINT conversations_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT conversations_user_fk REFERENCES users (id) ON DELETE CASCADE,
        title text,
        agent_ids uuid array NOT NULL,
        strategy text NOT NULL,
        archived boolean NOT NULL DEFAULT false,
        version bigint NOT NULL DEFAULT 1,
        last_seq integer NOT NULL DEFAULT 0,
        title_attempts integer NOT NULL DEFAULT 0,
        title_due_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE INDEX conversations_user ON conversations (user_id, id)')
    await queryRunner.query(
      'CREATE INDEX conversations_untitled ON conversations (title_due_at) WHERE title_due_at IS NOT NULL',
    )
    await queryRunner.query(`
      CREATE TABLE messages (
        id uuid CONSTRAINT messages_pk PRIMARY KEY,
        conversation_id uuid NOT NULL CONSTRAINT messages_conversation_fk REFERENCES conversations (id) ON DELETE CASCADE,
        seq integer NOT NULL,
        role text NOT NULL,
        agent_id uuid,
        agent_name text,
        content text NOT NULL,
        status text NOT NULL,
        run_id uuid,
        turn integer,
        file_ids uuid array NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT messages_role_known CHECK (role IN ('user', 'agent', 'system')),
        CONSTRAINT messages_status_known CHECK (status IN ('complete', 'cancelled', 'failed', 'superseded'))
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX messages_seq_unique ON messages (conversation_id, seq)')
    await queryRunner.query(`CREATE UNIQUE INDEX messages_turn_unique ON messages (run_id, turn) WHERE role = 'agent'`)
    await queryRunner.query(`CREATE INDEX messages_of_user ON messages (run_id, seq) WHERE role = 'user'`)
    await queryRunner.query(`
      CREATE TABLE conversation_summaries (
        conversation_id uuid NOT NULL
          CONSTRAINT conversation_summaries_conversation_fk REFERENCES conversations (id) ON DELETE CASCADE,
        version integer NOT NULL,
        up_to_seq integer NOT NULL,
        text text NOT NULL,
        prompt_version text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT conversation_summaries_pk PRIMARY KEY (conversation_id, version)
      )`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE conversation_summaries, messages, conversations')
  }
}
