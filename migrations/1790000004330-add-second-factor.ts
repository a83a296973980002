import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Codes by time (RFC 6238): the sealed secret, since when it is asked for, the last step that was used, and hashes of recovery codes. */
export class AddSecondFactor1790000004330 implements MigrationInterface {
  name = 'AddSecondFactor1790000004330'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE users ADD COLUMN totp_sealed text, ADD COLUMN totp_enabled_at timestamptz, ADD COLUMN totp_step integer,
        ADD COLUMN recovery_hashes text[],
        ADD CONSTRAINT users_totp_whole CHECK (totp_enabled_at IS NULL OR (totp_sealed IS NOT NULL AND totp_step IS NOT NULL
          AND recovery_hashes IS NOT NULL))`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE users DROP CONSTRAINT users_totp_whole, DROP COLUMN totp_sealed, DROP COLUMN totp_enabled_at,
        DROP COLUMN totp_step, DROP COLUMN recovery_hashes`)
  }
}
