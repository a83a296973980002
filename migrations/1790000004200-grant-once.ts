import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Welcome credits once an address for ever, and codes by which administrators let people in. */
export class GrantOnce1790000004200 implements MigrationInterface {
  name = 'GrantOnce1790000004200'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE server_keys (
        name text CONSTRAINT server_keys_pk PRIMARY KEY,
        sealed text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query(`
      CREATE TABLE signup_grants (
        address_hash text CONSTRAINT signup_grants_pk PRIMARY KEY,
        user_id uuid NOT NULL,
        amount bigint NOT NULL,
        budgeted boolean NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        given_at timestamptz,
        CONSTRAINT signup_grants_amount_positive CHECK (amount > 0)
      )`)
    await queryRunner.query('CREATE INDEX signup_grants_user ON signup_grants (user_id)')
    await queryRunner.query('CREATE INDEX signup_grants_given ON signup_grants (given_at)')
    await queryRunner.query('CREATE INDEX signup_grants_waiting ON signup_grants (created_at) WHERE given_at IS NULL')
    await queryRunner.query(`
      CREATE TABLE invitations (
        id uuid CONSTRAINT invitations_pk PRIMARY KEY,
        code_hash text NOT NULL,
        "grant" bigint,
        uses integer NOT NULL,
        used integer NOT NULL DEFAULT 0,
        email text,
        expires_at timestamptz,
        revoked_at timestamptz,
        created_by uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT invitations_used_within CHECK (used >= 0 AND used <= uses),
        CONSTRAINT invitations_grant_not_negative CHECK ("grant" >= 0)
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX invitations_code_hash_unique ON invitations (code_hash)')
    await queryRunner.query(`
      CREATE TABLE invitation_uses (
        user_id uuid CONSTRAINT invitation_uses_pk PRIMARY KEY
          CONSTRAINT invitation_uses_user_fk REFERENCES users (id) ON DELETE CASCADE,
        invitation_id uuid NOT NULL CONSTRAINT invitation_uses_invitation_fk REFERENCES invitations (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE INDEX invitation_uses_invitation ON invitation_uses (invitation_id)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE invitation_uses, invitations, signup_grants, server_keys')
  }
}
