import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateAgents1790000000300 implements MigrationInterface {
  name = 'CreateAgents1790000000300'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE agents (
        id uuid CONSTRAINT agents_pk PRIMARY KEY,
        user_id uuid CONSTRAINT agents_user_fk REFERENCES users (id) ON DELETE CASCADE,
        name text NOT NULL,
        instructions text NOT NULL,
        characteristics text NOT NULL,
        chat_style jsonb NOT NULL,
        connection_id uuid CONSTRAINT agents_connection_fk REFERENCES connections (id),
        model text,
        temperature double precision,
        max_output_tokens integer,
        deleted_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE INDEX agents_user ON agents (user_id)')
    await queryRunner.query('CREATE INDEX agents_connection ON agents (connection_id)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE agents')
  }
}
