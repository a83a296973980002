import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateConnections1790000000200 implements MigrationInterface {
  name = 'CreateConnections1790000000200'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE connections (
        id uuid CONSTRAINT connections_pk PRIMARY KEY,
        user_id uuid CONSTRAINT connections_user_fk REFERENCES users (id) ON DELETE CASCADE,
        name text NOT NULL,
        provider text NOT NULL,
        base_url text,
        model text NOT NULL,
        api_key_sealed text,
        api_key_last4 text,
        is_default boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT connections_provider_known
          CHECK (provider IN ('openai', 'anthropic', 'google', 'groq', 'ollama', 'openai-compatible', 'demo'))
      )`)
    await queryRunner.query('CREATE INDEX connections_user ON connections (user_id)')
    await queryRunner.query('CREATE UNIQUE INDEX connections_default_unique ON connections (user_id) WHERE is_default')
    // NULLs are distinct in a unique index, so the platform's default needs an index of its own.
    await queryRunner.query(
      `CREATE UNIQUE INDEX connections_platform_default_unique ON connections (is_default)
        WHERE is_default AND user_id IS NULL`,
    )
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE connections')
  }
}
