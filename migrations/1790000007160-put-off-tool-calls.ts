import type { MigrationInterface, QueryRunner } from 'typeorm'

/** A call that is started again waits for room as an approved one does: that a limit of ours is in the way left its outcome unknown. */
const AFTER = `CREATE OR REPLACE FUNCTION tool_start(p_run uuid, p_turn integer, p_token uuid, p_call integer, p_per_minute integer, p_default text,
  p_approval_ms bigint, p_keep_ms bigint) RETURNS TABLE (outcome text, retry_in_ms integer) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  asked tool_calls;
  tools jsonb;
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
  -- Counting and starting are one step, or several that start at once exceed the limit.
  PERFORM pg_advisory_xact_lock(405, uuid_hash(turn.user_id));
  -- What is judged by stays as it is until this has started: a change that is committed is known to every later start.
  SELECT a.tools INTO tools FROM agents a WHERE a.id = turn.agent_id AND a.deleted_at IS NULL FOR SHARE;
  SELECT o.choice INTO choice FROM jsonb_array_elements(tools) AS o (choice)
  WHERE o.choice->>'name' = asked.source_name AND o.choice->>'serverId' IS NOT DISTINCT FROM asked.server_id::text;
  is_same := choice IS NOT NULL;
  IF is_same AND asked.source = 'mcp' THEN
    SELECT t.allowed_hash = t.seen_hash AND t.allowed_hash IS NOT DISTINCT FROM asked.definition_hash INTO is_same
    FROM mcp_servers s JOIN mcp_tools t ON t.server_id = s.id AND t.name = asked.source_name AND t.vanished_at IS NULL
    WHERE s.id = asked.server_id AND s.user_id = turn.user_id AND s.enabled AND t.allowed_hash IS NOT NULL
    FOR SHARE;
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
  SELECT count(*) AS starts, min(l.started_at) AS first INTO lately
  FROM (SELECT c.started_at FROM tool_calls c WHERE c.user_id = turn.user_id AND c.started_at > clock_timestamp() - interval '1 minute'
      -- What an earlier run has started counts there.
      AND c.name = asked.name AND (c.inherited_from IS NULL OR c.attempt IS NOT NULL) ORDER BY c.started_at DESC LIMIT p_per_minute) l;
  IF lately.starts >= p_per_minute THEN
    outcome := 'limited';
    IF greatest(CASE WHEN is_approved THEN asked.decided_at END, asked.started_at) > clock_timestamp() - p_keep_ms * interval '1 millisecond' THEN
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
END $$;`

const BEFORE = `CREATE OR REPLACE FUNCTION tool_start(p_run uuid, p_turn integer, p_token uuid, p_call integer, p_per_minute integer, p_default text,
  p_approval_ms bigint, p_keep_ms bigint) RETURNS TABLE (outcome text, retry_in_ms integer) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  asked tool_calls;
  tools jsonb;
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
  -- Counting and starting are one step, or several that start at once exceed the limit.
  PERFORM pg_advisory_xact_lock(405, uuid_hash(turn.user_id));
  -- What is judged by stays as it is until this has started: a change that is committed is known to every later start.
  SELECT a.tools INTO tools FROM agents a WHERE a.id = turn.agent_id AND a.deleted_at IS NULL FOR SHARE;
  SELECT o.choice INTO choice FROM jsonb_array_elements(tools) AS o (choice)
  WHERE o.choice->>'name' = asked.source_name AND o.choice->>'serverId' IS NOT DISTINCT FROM asked.server_id::text;
  is_same := choice IS NOT NULL;
  IF is_same AND asked.source = 'mcp' THEN
    SELECT t.allowed_hash = t.seen_hash AND t.allowed_hash IS NOT DISTINCT FROM asked.definition_hash INTO is_same
    FROM mcp_servers s JOIN mcp_tools t ON t.server_id = s.id AND t.name = asked.source_name AND t.vanished_at IS NULL
    WHERE s.id = asked.server_id AND s.user_id = turn.user_id AND s.enabled AND t.allowed_hash IS NOT NULL
    FOR SHARE;
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
  SELECT count(*) AS starts, min(l.started_at) AS first INTO lately
  FROM (SELECT c.started_at FROM tool_calls c WHERE c.user_id = turn.user_id AND c.started_at > clock_timestamp() - interval '1 minute'
      -- What an earlier run has started counts there.
      AND c.name = asked.name AND (c.inherited_from IS NULL OR c.attempt IS NOT NULL) ORDER BY c.started_at DESC LIMIT p_per_minute) l;
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
END $$;`

export class PutOffToolCalls1790000007160 implements MigrationInterface {
  name = 'PutOffToolCalls1790000007160'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
