import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What users have written of late: the limits of it must not be given back by a deletion. */
export class CreateUploadBudgets1790000004410 implements MigrationInterface {
  name = 'CreateUploadBudgets1790000004410'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE upload_budgets (
        user_id uuid NOT NULL,
        bytes_until timestamptz NOT NULL,
        uploads_until timestamptz NOT NULL,
        CONSTRAINT upload_budgets_pk PRIMARY KEY (user_id),
        CONSTRAINT upload_budgets_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE upload_budgets')
  }
}
