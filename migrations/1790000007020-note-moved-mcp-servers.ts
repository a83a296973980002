import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What a server lists after its address was changed is not allowed as its first list was. */
export class NoteMovedMcpServers1790000007020 implements MigrationInterface {
  name = 'NoteMovedMcpServers1790000007020'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE mcp_servers ADD COLUMN moved boolean NOT NULL DEFAULT false')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE mcp_servers DROP COLUMN moved')
  }
}
