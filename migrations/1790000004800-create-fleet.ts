import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Which installation this database is, and which processes it has. */
export class CreateFleet1790000004800 implements MigrationInterface {
  name = 'CreateFleet1790000004800'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE installation (
        id uuid CONSTRAINT installation_pk PRIMARY KEY,
        is_only boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT installation_is_only_key UNIQUE (is_only),
        CONSTRAINT installation_is_only CHECK (is_only)
      )`)
    await queryRunner.query(`
      CREATE TABLE processes (
        id uuid CONSTRAINT processes_pk PRIMARY KEY,
        role text NOT NULL CONSTRAINT processes_role_known CHECK (role IN ('web', 'worker', 'embedded')),
        state text NOT NULL CONSTRAINT processes_state_known CHECK (state IN ('ready', 'draining', 'stuck')),
        host text NOT NULL,
        pid integer NOT NULL,
        version text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now(),
        seen_at timestamptz NOT NULL DEFAULT now()
      )`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE processes')
    await queryRunner.query('DROP TABLE installation')
  }
}
