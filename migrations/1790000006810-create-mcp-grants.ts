import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateMcpGrants1790000006810 implements MigrationInterface {
  name = 'CreateMcpGrants1790000006810'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE mcp_grants (
        id uuid CONSTRAINT mcp_grants_pk PRIMARY KEY CONSTRAINT mcp_grants_id_fk REFERENCES mcp_servers ON DELETE CASCADE,
        provider jsonb NOT NULL,
        client_id text NOT NULL,
        client_auth text,
        client_secret_sealed text,
        state_hash text,
        browser_hash text,
        verifier_sealed text,
        state_until timestamptz,
        access_sealed text,
        refresh_sealed text,
        access_until timestamptz,
        refreshing_until timestamptz,
        refresh_claim uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX mcp_grants_state_once ON mcp_grants (state_hash)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE mcp_grants')
  }
}
