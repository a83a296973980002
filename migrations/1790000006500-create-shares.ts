import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateShares1790000006500 implements MigrationInterface {
  name = 'CreateShares1790000006500'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE shares (
        id uuid CONSTRAINT shares_pk PRIMARY KEY,
        conversation_id uuid NOT NULL CONSTRAINT shares_conversation_fk REFERENCES conversations ON DELETE CASCADE,
        user_id uuid NOT NULL CONSTRAINT shares_user_fk REFERENCES users ON DELETE CASCADE,
        expires_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE INDEX shares_conversation ON shares (conversation_id, id)')
    await queryRunner.query('CREATE INDEX shares_user ON shares (user_id, id)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE shares')
  }
}
