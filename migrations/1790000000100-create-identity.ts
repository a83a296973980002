import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateIdentity1790000000100 implements MigrationInterface {
  name = 'CreateIdentity1790000000100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE users (
        id uuid CONSTRAINT users_pk PRIMARY KEY,
        email text NOT NULL,
        email_key text NOT NULL,
        password_hash text NOT NULL,
        name text NOT NULL,
        role text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT users_role_known CHECK (role IN ('user', 'admin'))
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX users_email_key_unique ON users (email_key)')
    await queryRunner.query(`
      CREATE TABLE sessions (
        id uuid CONSTRAINT sessions_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT sessions_user_fk REFERENCES users (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
      )`)
    await queryRunner.query('CREATE INDEX sessions_user ON sessions (user_id)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE sessions, users')
  }
}
