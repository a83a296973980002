import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As they are at this migration. Today's, and what they do, are in `src/audit/audit.sql` and `src/credits/erase.sql`. */
const FUNCTIONS = [
  `CREATE FUNCTION audit_erase(p_user uuid, p_networks boolean) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  erased integer;
BEGIN
  PERFORM set_config('chatsparty.audit_erases', 'on', true);
  UPDATE audit_entries SET
    user_agent = CASE WHEN coalesce(actor_id, p_user) = p_user THEN NULL ELSE user_agent END,
    network = CASE WHEN p_networks AND coalesce(actor_id, p_user) = p_user THEN NULL ELSE network END,
    details = (SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM jsonb_each(details) AS d(name, value)
      WHERE jsonb_typeof(value) <> 'string')
  WHERE (actor_id = p_user OR target_id = p_user) AND (
    (coalesce(actor_id, p_user) = p_user AND (user_agent IS NOT NULL OR (p_networks AND network IS NOT NULL)))
    OR jsonb_path_exists(details, '$.* ? (@.type() == "string")'));
  GET DIAGNOSTICS erased = ROW_COUNT;
  PERFORM set_config('chatsparty.audit_erases', 'off', true);
  RETURN erased;
END $$`,
  `CREATE FUNCTION ledger_erase(p_user uuid, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  calls integer;
  entries integer;
BEGIN
  PERFORM set_config('chatsparty.ledger_erases', 'on', true);
  UPDATE metered_calls SET agent_name = NULL, model = CASE WHEN is_priced THEN model ELSE 'erased' END
  FROM (
    SELECT c.id AS worded_id, EXISTS (
        SELECT FROM price_versions p WHERE p.provider = c.provider AND p.model = c.model) AS is_priced
    FROM metered_calls c WHERE c.user_id = p_user AND (c.agent_name IS NOT NULL OR (c.model <> 'erased' AND NOT EXISTS (
      SELECT FROM price_versions p WHERE p.provider = c.provider AND p.model = c.model)))
    LIMIT p_limit) AS worded
  WHERE id = worded_id;
  GET DIAGNOSTICS calls = ROW_COUNT;
  UPDATE ledger_entries SET description = NULL WHERE id IN (
    SELECT id FROM ledger_entries WHERE user_id = p_user AND description IS NOT NULL LIMIT p_limit);
  GET DIAGNOSTICS entries = ROW_COUNT;
  PERFORM set_config('chatsparty.ledger_erases', 'off', true);
  RETURN calls + entries;
END $$`,
]

/**
 * Users are erased by a job: from the moment that they leave, their row is nobody's and waits for its content to go. What is
 * kept of them, figures and the audit log's entries, loses its words by two functions, the only way in which such rows change.
 */
export class EraseUsers1790000005100 implements MigrationInterface {
  name = 'EraseUsers1790000005100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE users ADD COLUMN erased_at timestamptz')
    await queryRunner.query(`
      CREATE TABLE erasures (
        id uuid CONSTRAINT erasures_pk PRIMARY KEY,
        user_id uuid NOT NULL,
        requested_by uuid NOT NULL,
        phase text NOT NULL DEFAULT 'rows',
        due_at timestamptz NOT NULL DEFAULT now(),
        failures integer NOT NULL DEFAULT 0,
        error text,
        counts jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz,
        networks_erased_at timestamptz,
        CONSTRAINT erasures_phase_known CHECK (phase IN ('rows', 'objects', 'settling', 'done')),
        CONSTRAINT erasures_done_whole CHECK ((phase = 'done') = (done_at IS NOT NULL))
      )`)
    await queryRunner.query(`CREATE UNIQUE INDEX erasures_user_unique ON erasures (user_id)`)
    await queryRunner.query(`CREATE INDEX erasures_due ON erasures (due_at) WHERE phase <> 'done'`)
    await queryRunner.query(`CREATE INDEX erasures_networks ON erasures (done_at) WHERE networks_erased_at IS NULL`)
    await queryRunner.query(`
      CREATE TABLE erasure_files (
        erasure_id uuid NOT NULL,
        file_id uuid NOT NULL,
        is_removed boolean NOT NULL DEFAULT false,
        CONSTRAINT erasure_files_pk PRIMARY KEY (erasure_id, file_id),
        CONSTRAINT erasure_files_erasure_fk FOREIGN KEY (erasure_id) REFERENCES erasures (id) ON DELETE CASCADE
      )`)
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' AND current_setting('chatsparty.audit_forgets', true) = 'on' THEN RETURN NULL; END IF;
        IF TG_OP = 'UPDATE' AND current_setting('chatsparty.audit_erases', true) = 'on' THEN RETURN NULL; END IF;
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
      END $$`)
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' AND TG_TABLE_NAME <> 'price_versions'
          AND current_setting('chatsparty.ledger_erases', true) = 'on' THEN RETURN NULL; END IF;
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
      END $$`)
    for (const definition of FUNCTIONS) await queryRunner.query(definition)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION audit_erase, ledger_erase')
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' AND current_setting('chatsparty.audit_forgets', true) = 'on' THEN RETURN NULL; END IF;
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
      END $$`)
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
      END $$`)
    await queryRunner.query('DROP TABLE erasure_files, erasures')
    await queryRunner.query('ALTER TABLE users DROP COLUMN erased_at')
  }
}
