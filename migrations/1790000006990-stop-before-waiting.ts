import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Says of a turn that is about to wait that its run is to stop, so that its worker does not ask again and again until it is told. */
const AFTER = `CREATE OR REPLACE FUNCTION tool_wait(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_deadline_ms bigint, p_later_ms integer)
RETURNS TABLE (outcome text, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  until timestamptz;
BEGIN
  PERFORM FROM conversations WHERE id = p_conversation FOR UPDATE;
  PERFORM FROM runs WHERE id = p_run FOR UPDATE;
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM runs r WHERE r.id = p_run AND r.cancel_requested_at IS NOT NULL) THEN
    outcome := 'stopping';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_later_ms IS NULL THEN
    SELECT max(c.expires_at) INTO until FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting';
  ELSE
    until := clock_timestamp() + p_later_ms * interval '1 millisecond';
  END IF;
  IF until IS NULL OR until <= clock_timestamp() THEN
    outcome := 'decided';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE turns t SET status = 'queued', claim_token = NULL, lease_until = NULL, quote = NULL, dispatched_at = NULL,
    dispatch = t.dispatch + 1, due_at = until, waits = t.waits + 1
  WHERE t.run_id = p_run AND t.index = p_turn;
  UPDATE runs r SET deadline_at = greatest(r.deadline_at, until + p_deadline_ms * interval '1 millisecond') WHERE r.id = p_run;
  PERFORM run_rests(p_run);
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = p_conversation
  RETURNING c.version INTO version;
  outcome := 'waits';
  RETURN NEXT;
END $$;`
const BEFORE = `CREATE OR REPLACE FUNCTION tool_wait(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_deadline_ms bigint, p_later_ms integer)
RETURNS TABLE (outcome text, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  until timestamptz;
BEGIN
  PERFORM FROM conversations WHERE id = p_conversation FOR UPDATE;
  PERFORM FROM runs WHERE id = p_run FOR UPDATE;
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_later_ms IS NULL THEN
    SELECT max(c.expires_at) INTO until FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting';
  ELSE
    until := clock_timestamp() + p_later_ms * interval '1 millisecond';
  END IF;
  IF until IS NULL OR until <= clock_timestamp()
    OR EXISTS (SELECT FROM runs r WHERE r.id = p_run AND r.cancel_requested_at IS NOT NULL) THEN
    outcome := 'decided';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE turns t SET status = 'queued', claim_token = NULL, lease_until = NULL, quote = NULL, dispatched_at = NULL,
    dispatch = t.dispatch + 1, due_at = until, waits = t.waits + 1
  WHERE t.run_id = p_run AND t.index = p_turn;
  UPDATE runs r SET deadline_at = greatest(r.deadline_at, until + p_deadline_ms * interval '1 millisecond') WHERE r.id = p_run;
  PERFORM run_rests(p_run);
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = p_conversation
  RETURNING c.version INTO version;
  outcome := 'waits';
  RETURN NEXT;
END $$;`

export class StopBeforeWaiting1790000006990 implements MigrationInterface {
  name = 'StopBeforeWaiting1790000006990'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
