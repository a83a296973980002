import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateMcpServers1790000006800 implements MigrationInterface {
  name = 'CreateMcpServers1790000006800'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE mcp_servers (
        id uuid CONSTRAINT mcp_servers_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT mcp_servers_user_fk REFERENCES users ON DELETE CASCADE,
        name text NOT NULL,
        url text NOT NULL,
        auth text NOT NULL CONSTRAINT mcp_servers_auth_known CHECK (auth IN ('none', 'headers', 'oauth')),
        header_names text[] NOT NULL,
        headers_sealed text,
        enabled boolean NOT NULL DEFAULT true,
        timeout_ms integer NOT NULL,
        status text NOT NULL DEFAULT 'new'
          CONSTRAINT mcp_servers_status_known CHECK (status IN ('new', 'ready', 'failing', 'needs_sign_in')),
        problem text,
        protocol_version text,
        listed_at timestamptz,
        minute timestamptz,
        minute_calls integer NOT NULL DEFAULT 0,
        failures integer NOT NULL DEFAULT 0,
        paused_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE INDEX mcp_servers_user ON mcp_servers (user_id, id)')
    await queryRunner.query(`
      CREATE TABLE mcp_tools (
        id uuid CONSTRAINT mcp_tools_pk PRIMARY KEY,
        server_id uuid NOT NULL CONSTRAINT mcp_tools_server_fk REFERENCES mcp_servers ON DELETE CASCADE,
        name text NOT NULL,
        allowed jsonb,
        allowed_hash text,
        seen jsonb NOT NULL,
        seen_hash text NOT NULL,
        effect text CONSTRAINT mcp_tools_effect_known CHECK (effect IN ('reads', 'writes')),
        keyed boolean,
        on_unknown text NOT NULL DEFAULT 'ask' CONSTRAINT mcp_tools_unknown_known CHECK (on_unknown IN ('tell', 'ask')),
        vanished_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX mcp_tools_once ON mcp_tools (server_id, name)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE mcp_tools')
    await queryRunner.query('DROP TABLE mcp_servers')
  }
}
