import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What is wrong with an MCP server has a code, for words in other languages than English. */
export class NameMcpProblems1790000006980 implements MigrationInterface {
  name = 'NameMcpProblems1790000006980'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE mcp_servers ADD COLUMN problem_code text')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE mcp_servers DROP COLUMN problem_code')
  }
}
