import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Keys of the server have ids and columns as all sealed values have, so that changing ENCRYPTION_KEYS reaches them. A sealed value
 * opens in its place only, so the key that was there goes, with what was noted by it: no release has had one.
 */
export class SealServerKeys1790000004220 implements MigrationInterface {
  name = 'SealServerKeys1790000004220'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DELETE FROM signup_grants')
    await queryRunner.query('DROP TABLE server_keys')
    await queryRunner.query(`
      CREATE TABLE server_keys (
        id uuid CONSTRAINT server_keys_pk PRIMARY KEY,
        key_sealed text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE server_keys')
    await queryRunner.query(`
      CREATE TABLE server_keys (
        name text CONSTRAINT server_keys_pk PRIMARY KEY,
        sealed text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
  }
}
