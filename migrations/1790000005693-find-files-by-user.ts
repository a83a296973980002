import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Whoever takes a file asks each user for the oldest one, and not all files; 262,144 bytes are `SMALL_FILE_BYTES`. */
export class FindFilesByUser1790000005693 implements MigrationInterface {
  name = 'FindFilesByUser1790000005693'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE INDEX files_waiting ON files ((size <= 262144), user_id, due_at, id) WHERE status = 'processing'`,
    )
    await queryRunner.query(
      `CREATE INDEX files_at_work ON files (user_id) WHERE status = 'processing' AND lease_until IS NOT NULL`,
    )
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX files_at_work, files_waiting')
  }
}
