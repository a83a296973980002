import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateApiKeys1790000005810 implements MigrationInterface {
  name = 'CreateApiKeys1790000005810'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE api_keys (
        id uuid CONSTRAINT api_keys_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT api_keys_user_fk REFERENCES users ON DELETE CASCADE,
        name text NOT NULL,
        prefix text NOT NULL,
        secret_hash bytea NOT NULL,
        scopes text[] NOT NULL,
        monthly_credits bigint,
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX api_keys_secret ON api_keys (secret_hash)')
    await queryRunner.query('CREATE INDEX api_keys_user ON api_keys (user_id, id)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE api_keys')
  }
}
