import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Users by how their address or their name begins. */
export class FindUsers1790000006420 implements MigrationInterface {
  name = 'FindUsers1790000006420'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE INDEX users_email_begins ON users (email_key text_pattern_ops)')
    await queryRunner.query('CREATE INDEX users_name_begins ON users (lower(name) text_pattern_ops)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX users_email_begins, users_name_begins')
  }
}
