import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * A call starts by what its owner says of the tool then, an approval outlives our own limits, and a run rests while all of its open turns
 * wait for people. What the functions do is said in `src/tools/tool-calls.sql`, where today's stand.
 */
const FUNCTIONS = `
DROP FUNCTION tool_start(uuid, integer, uuid, integer, integer);
DROP FUNCTION tool_wait(uuid, uuid, integer, uuid, bigint);

CREATE FUNCTION tool_start(p_run uuid, p_turn integer, p_token uuid, p_call integer, p_per_minute integer, p_default text,
  p_approval_ms bigint, p_keep_ms bigint) RETURNS TABLE (outcome text, retry_in_ms integer) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  asked tool_calls;
  choice jsonb;
  is_same boolean;
  is_approved boolean;
  lately record;
BEGIN
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR SHARE;
  SELECT * INTO asked FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call FOR UPDATE;
  outcome := CASE WHEN turn.run_id IS NULL THEN 'lost'
    WHEN EXISTS (SELECT FROM runs r WHERE r.id = p_run AND r.cancel_requested_at IS NOT NULL) THEN 'stopping'
    WHEN asked.status IS NULL OR asked.status NOT IN ('planned', 'approved') THEN 'over' END;
  IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;
  SELECT o.choice INTO choice FROM agents a, jsonb_array_elements(a.tools) AS o (choice)
  WHERE a.id = turn.agent_id AND a.deleted_at IS NULL AND o.choice->>'name' = asked.source_name
    AND o.choice->>'serverId' IS NOT DISTINCT FROM asked.server_id::text;
  is_same := choice IS NOT NULL;
  IF is_same AND asked.source = 'mcp' THEN
    SELECT t.allowed_hash = t.seen_hash AND t.allowed_hash IS NOT DISTINCT FROM asked.definition_hash INTO is_same
    FROM mcp_servers s JOIN mcp_tools t ON t.server_id = s.id AND t.name = asked.source_name AND t.vanished_at IS NULL
    WHERE s.id = asked.server_id AND s.user_id = turn.user_id AND s.enabled AND t.allowed_hash IS NOT NULL;
    IF is_same IS NULL THEN choice := NULL; END IF;
  END IF;
  is_approved := asked.status = 'approved' OR asked.decided_by IS NOT NULL;
  outcome := CASE WHEN choice IS NULL THEN 'gone' WHEN NOT is_same THEN 'changed' WHEN choice->>'policy' = 'deny' THEN 'denied' END;
  IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;
  IF coalesce(choice->>'policy', p_default) = 'ask' AND NOT is_approved THEN
    UPDATE tool_calls c SET status = 'awaiting', doubt = c.doubt OR (c.starts > 0 AND c.effect = 'writes'),
      expires_at = clock_timestamp() + p_approval_ms * interval '1 millisecond'
    WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call;
    outcome := 'asks';
    RETURN NEXT;
    RETURN;
  END IF;
  -- Counting and starting are one step, or several that start at once exceed the limit.
  PERFORM pg_advisory_xact_lock(405, uuid_hash(turn.user_id));
  SELECT count(*) AS starts, min(l.started_at) AS first INTO lately
  FROM (SELECT c.started_at FROM tool_calls c WHERE c.user_id = turn.user_id AND c.started_at > clock_timestamp() - interval '1 minute'
      AND c.name = asked.name ORDER BY c.started_at DESC LIMIT p_per_minute) l;
  IF lately.starts >= p_per_minute THEN
    outcome := 'limited';
    IF is_approved AND asked.decided_at > clock_timestamp() - p_keep_ms * interval '1 millisecond' THEN
      outcome := 'later';
      retry_in_ms := greatest(ceil(extract(epoch FROM lately.first + interval '1 minute' - clock_timestamp()) * 1000), 1);
    END IF;
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET status = 'started', starts = c.starts + 1, attempt = turn.attempt, started_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call;
  outcome := 'started';
  RETURN NEXT;
END $$;

CREATE FUNCTION tool_put_off(p_run uuid, p_turn integer, p_call integer, p_attempt integer, p_keep_ms bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE tool_calls c SET status = 'approved', starts = c.starts - 1, started_at = CASE WHEN c.starts > 1 THEN c.started_at END
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call AND c.status = 'started' AND c.attempt = p_attempt
    AND c.decided_by IS NOT NULL AND c.decided_at > clock_timestamp() - p_keep_ms * interval '1 millisecond';
  RETURN FOUND;
END $$;

CREATE FUNCTION tool_wait(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_deadline_ms bigint, p_later_ms integer)
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
END $$;

CREATE FUNCTION run_rests(p_run uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE runs r SET status = 'waiting', paused_at = clock_timestamp()
  WHERE r.id = p_run AND r.status = 'running'
    AND EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND t.status IN ('queued', 'running'))
    AND NOT EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND (t.status = 'running'
      OR (t.status = 'queued' AND NOT turn_awaits(t.run_id, t.index))));
  RETURN FOUND;
END $$;
`

const BEFORE = `
DROP FUNCTION tool_start(uuid, integer, uuid, integer, integer, text, bigint, bigint);
DROP FUNCTION tool_put_off(uuid, integer, integer, integer, bigint);
DROP FUNCTION tool_wait(uuid, uuid, integer, uuid, bigint, integer);
DROP FUNCTION run_rests(uuid);

CREATE FUNCTION tool_start(p_run uuid, p_turn integer, p_token uuid, p_call integer, p_per_minute integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  found_call tool_calls;
BEGIN
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR SHARE;
  IF NOT FOUND THEN RETURN 'lost'; END IF;
  IF EXISTS (SELECT FROM runs r WHERE r.id = p_run AND r.cancel_requested_at IS NOT NULL) THEN RETURN 'stopping'; END IF;
  SELECT * INTO found_call FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call FOR UPDATE;
  IF found_call.status IS NULL OR found_call.status NOT IN ('planned', 'approved') THEN RETURN 'over'; END IF;
  IF (SELECT count(*) FROM (SELECT FROM tool_calls c WHERE c.user_id = turn.user_id AND c.started_at > clock_timestamp() - interval '1 minute'
      AND c.name = found_call.name LIMIT p_per_minute) lately) >= p_per_minute THEN
    RETURN 'limited';
  END IF;
  UPDATE tool_calls c SET status = 'started', starts = c.starts + 1, attempt = turn.attempt, started_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call;
  RETURN 'started';
END $$;

CREATE FUNCTION tool_wait(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_deadline_ms bigint)
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
  SELECT max(c.expires_at) INTO until FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting';
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
  UPDATE runs r SET status = 'waiting', paused_at = clock_timestamp()
  WHERE r.id = p_run AND r.status = 'running' AND NOT EXISTS (SELECT FROM turns o WHERE o.run_id = p_run AND o.index <> p_turn
    AND o.status IN ('queued', 'running') AND NOT turn_awaits(o.run_id, o.index));
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = p_conversation
  RETURNING c.version INTO version;
  outcome := 'waits';
  RETURN NEXT;
END $$;
`

export class MindToolPolicies1790000006950 implements MigrationInterface {
  name = 'MindToolPolicies1790000006950'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTIONS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
