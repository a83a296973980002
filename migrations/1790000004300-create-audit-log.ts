import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As it is at this migration. Today's, and what it does, is in `src/audit/audit.sql`. */
const FUNCTIONS = `CREATE FUNCTION audit_forget(p_before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  forgotten bigint;
BEGIN
  IF p_before > now() - interval '30 days' THEN
    RAISE EXCEPTION 'audit entries are kept for at least 30 days' USING ERRCODE = 'restrict_violation';
  END IF;
  PERFORM set_config('chatsparty.audit_forgets', 'on', true);
  DELETE FROM audit_entries WHERE created_at < p_before;
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  PERFORM set_config('chatsparty.audit_forgets', 'off', true);
  RETURN forgotten;
END $$`

export class CreateAuditLog1790000004300 implements MigrationInterface {
  name = 'CreateAuditLog1790000004300'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE audit_entries (
        id uuid CONSTRAINT audit_entries_pk PRIMARY KEY,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor_id uuid,
        action text NOT NULL,
        target_id uuid,
        network text,
        user_agent text,
        request_id text,
        details jsonb NOT NULL,
        CONSTRAINT audit_entries_bounded CHECK (octet_length(details::text) <= 8192 AND length(user_agent) <= 200
          AND length(network) <= 100 AND length(request_id) <= 100)
      )`)
    await queryRunner.query('CREATE INDEX audit_entries_created ON audit_entries (created_at, id)')
    await queryRunner.query('CREATE INDEX audit_entries_actor ON audit_entries (actor_id, created_at, id)')
    await queryRunner.query('CREATE INDEX audit_entries_target ON audit_entries (target_id, created_at, id)')
    await queryRunner.query('CREATE INDEX audit_entries_action ON audit_entries (action, created_at, id)')
    // Also for whoever has the database's password by way of the product: only audit_forget takes old rows away.
    await queryRunner.query(`
      CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' AND current_setting('chatsparty.audit_forgets', true) = 'on' THEN RETURN NULL; END IF;
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
      END $$`)
    await queryRunner.query(`
      CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
      FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()`)
    await queryRunner.query(FUNCTIONS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION audit_forget')
    await queryRunner.query('DROP TABLE audit_entries')
    await queryRunner.query('DROP FUNCTION audit_refuse_change')
  }
}
