import type { MigrationInterface, QueryRunner } from 'typeorm'

/** One value that every key ring of this installation must open, so that a wrong one is found at the start. */
export class KeepKeyCanary1790000004700 implements MigrationInterface {
  name = 'KeepKeyCanary1790000004700'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE key_canaries (
        id integer NOT NULL,
        value_sealed text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT key_canaries_pk PRIMARY KEY (id),
        CONSTRAINT key_canaries_one CHECK (id = 1)
      )`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE key_canaries')
  }
}
