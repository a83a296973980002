import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * A call that an earlier run had started is made again with its key only by workers that say that they use it: those of the release before take
 * the key of the copy, and run beside the new ones while an installation is rolled over. Copies of that release have an age of their own.
 */
const AFTER = `CREATE OR REPLACE FUNCTION tool_inherit(p_run uuid, p_turn integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  speaker uuid;
  earlier record;
BEGIN
  IF EXISTS (SELECT FROM tool_steps s WHERE s.run_id = p_run AND s.turn = p_turn) THEN RETURN; END IF;
  SELECT t.agent_id INTO speaker FROM turns t JOIN runs r ON r.id = t.run_id
  WHERE t.run_id = p_run AND t.index = p_turn AND r.retries IS NOT NULL;
  IF NOT FOUND THEN RETURN; END IF;
  WITH RECURSIVE before AS (
    SELECT r.retries AS id, 1 AS ago FROM runs r WHERE r.id = p_run AND r.retries IS NOT NULL
    UNION ALL SELECT r.retries, b.ago + 1 FROM before b JOIN runs r ON r.id = b.id AND r.retries IS NOT NULL
  ), spoken AS (
    SELECT t.run_id, t.index, b.ago, row_number() OVER (PARTITION BY t.run_id ORDER BY t.index) AS place
    FROM before b JOIN turns t ON t.run_id = b.id AND t.agent_id = speaker
  )
  SELECT s.run_id, s.index, max(c.step) AS last_step INTO earlier
  FROM spoken s JOIN tool_calls c ON c.run_id = s.run_id AND c.turn = s.index
  WHERE s.place = (SELECT count(*) FROM turns t WHERE t.run_id = p_run AND t.agent_id = speaker AND t.index <= p_turn)
  GROUP BY s.run_id, s.index, s.ago HAVING bool_or(c.starts > 0 AND c.effect = 'writes') ORDER BY s.ago LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO tool_steps (run_id, turn, step, user_id, text, thoughts, inherited)
  SELECT p_run, p_turn, s.step, s.user_id, s.text, s.thoughts, TRUE FROM tool_steps s
  WHERE s.run_id = earlier.run_id AND s.turn = earlier.index AND s.step <= earlier.last_step;
  INSERT INTO tool_calls (id, run_id, turn, call, step, user_id, agent_id, provider_call_id, provider_data, source, server_id, source_name, name,
    title, definition_hash, effect, keyed, on_unknown, args, edited, status, result, error_code, files, starts, unanswered, doubt,
    decided_by, decided_at, created_at, started_at, ended_at, inherited_from)
  SELECT gen_random_uuid(), p_run, p_turn, c.call, c.step, c.user_id, c.agent_id, c.provider_call_id, c.provider_data, c.source, c.server_id,
    c.source_name, c.name, c.title, c.definition_hash, c.effect, c.keyed, c.on_unknown, c.args, c.edited,
    CASE WHEN o.is_open THEN 'started' ELSE c.status END, c.result, c.error_code,
    c.files, c.starts, c.unanswered, c.doubt, c.decided_by, c.decided_at,
    (SELECT min(o.created_at) FROM tool_calls o WHERE o.id IN (c.id, c.inherited_from)), c.started_at,
    CASE WHEN NOT o.is_open THEN c.ended_at END, coalesce(c.inherited_from, c.id)
  FROM tool_calls c, LATERAL (SELECT c.status = 'unknown' AND c.step = earlier.last_step
    AND coalesce(c.decided_at < c.started_at, TRUE) AS is_open) o
  WHERE c.run_id = earlier.run_id AND c.turn = earlier.index;
END $$;

DROP FUNCTION tool_resume(uuid, integer, uuid, integer, bigint, bigint);
CREATE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_unanswered integer, p_approval_ms bigint,
  p_key_ms bigint DEFAULT 82800000, p_same_key boolean DEFAULT FALSE)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
DECLARE
  present integer;
BEGIN
  SELECT t.attempt INTO present FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM tool_inherit(p_run, p_turn);
  UPDATE tool_calls c SET status = n.status, doubt = c.doubt OR NOT n.harmless OR n.status = 'awaiting',
    unanswered = CASE n.status WHEN 'awaiting' THEN 0 ELSE n.unanswered END,
    expires_at = CASE n.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    decided_by = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_by END,
    decided_at = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_at END,
    ended_at = CASE n.status WHEN 'unknown' THEN clock_timestamp() END
  FROM (SELECT o.call, o.was, o.harmless, o.unanswered, CASE WHEN o.harmless AND o.unanswered < p_most_unanswered THEN 'planned'
      WHEN o.effect = 'writes' AND o.on_unknown = 'ask' THEN 'awaiting' ELSE 'unknown' END AS status
    FROM (SELECT s.call, s.status AS was, s.effect, s.on_unknown,
        s.unanswered + (s.status = 'started' AND s.attempt IS NOT DISTINCT FROM present)::integer AS unanswered, s.effect = 'reads' OR (s.keyed
          AND (p_same_key OR s.inherited_from IS NULL)
          AND greatest(s.created_at, s.decided_at) > clock_timestamp() - p_key_ms * interval '1 millisecond') AS harmless
      FROM tool_calls s WHERE s.run_id = p_run AND s.turn = p_turn
        AND (s.status = 'started' OR (s.status = 'planned' AND s.starts > 0))) o) n
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = n.call AND c.status = n.was;
  UPDATE tool_calls c SET status = CASE WHEN c.doubt THEN 'unknown' ELSE 'expired' END, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$`

const BEFORE = `CREATE OR REPLACE FUNCTION tool_inherit(p_run uuid, p_turn integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  speaker uuid;
  earlier record;
BEGIN
  IF EXISTS (SELECT FROM tool_steps s WHERE s.run_id = p_run AND s.turn = p_turn) THEN RETURN; END IF;
  SELECT t.agent_id INTO speaker FROM turns t JOIN runs r ON r.id = t.run_id
  WHERE t.run_id = p_run AND t.index = p_turn AND r.retries IS NOT NULL;
  IF NOT FOUND THEN RETURN; END IF;
  WITH RECURSIVE before AS (
    SELECT r.retries AS id, 1 AS ago FROM runs r WHERE r.id = p_run AND r.retries IS NOT NULL
    UNION ALL SELECT r.retries, b.ago + 1 FROM before b JOIN runs r ON r.id = b.id AND r.retries IS NOT NULL
  ), spoken AS (
    SELECT t.run_id, t.index, b.ago, row_number() OVER (PARTITION BY t.run_id ORDER BY t.index) AS place
    FROM before b JOIN turns t ON t.run_id = b.id AND t.agent_id = speaker
  )
  SELECT s.run_id, s.index, max(c.step) AS last_step INTO earlier
  FROM spoken s JOIN tool_calls c ON c.run_id = s.run_id AND c.turn = s.index
  WHERE s.place = (SELECT count(*) FROM turns t WHERE t.run_id = p_run AND t.agent_id = speaker AND t.index <= p_turn)
  GROUP BY s.run_id, s.index, s.ago HAVING bool_or(c.starts > 0 AND c.effect = 'writes') ORDER BY s.ago LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO tool_steps (run_id, turn, step, user_id, text, thoughts, inherited)
  SELECT p_run, p_turn, s.step, s.user_id, s.text, s.thoughts, TRUE FROM tool_steps s
  WHERE s.run_id = earlier.run_id AND s.turn = earlier.index AND s.step <= earlier.last_step;
  INSERT INTO tool_calls (id, run_id, turn, call, step, user_id, agent_id, provider_call_id, provider_data, source, server_id, source_name, name,
    title, definition_hash, effect, keyed, on_unknown, args, edited, status, result, error_code, files, starts, unanswered, doubt,
    decided_by, decided_at, created_at, started_at, ended_at, inherited_from)
  SELECT gen_random_uuid(), p_run, p_turn, c.call, c.step, c.user_id, c.agent_id, c.provider_call_id, c.provider_data, c.source, c.server_id,
    c.source_name, c.name, c.title, c.definition_hash, c.effect, c.keyed, c.on_unknown, c.args, c.edited,
    CASE WHEN o.is_open THEN 'started' ELSE c.status END, c.result, c.error_code,
    c.files, c.starts, c.unanswered, c.doubt, c.decided_by, c.decided_at, c.created_at, c.started_at,
    CASE WHEN NOT o.is_open THEN c.ended_at END, coalesce(c.inherited_from, c.id)
  FROM tool_calls c, LATERAL (SELECT c.status = 'unknown' AND c.step = earlier.last_step
    AND coalesce(c.decided_at < c.started_at, TRUE) AS is_open) o
  WHERE c.run_id = earlier.run_id AND c.turn = earlier.index;
END $$;

DROP FUNCTION tool_resume(uuid, integer, uuid, integer, bigint, bigint, boolean);
CREATE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_unanswered integer, p_approval_ms bigint,
  p_key_ms bigint DEFAULT 82800000)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
DECLARE
  present integer;
BEGIN
  SELECT t.attempt INTO present FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM tool_inherit(p_run, p_turn);
  UPDATE tool_calls c SET status = n.status, doubt = c.doubt OR NOT n.harmless OR n.status = 'awaiting',
    unanswered = CASE n.status WHEN 'awaiting' THEN 0 ELSE n.unanswered END,
    expires_at = CASE n.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    decided_by = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_by END,
    decided_at = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_at END,
    ended_at = CASE n.status WHEN 'unknown' THEN clock_timestamp() END
  FROM (SELECT o.call, o.was, o.harmless, o.unanswered, CASE WHEN o.harmless AND o.unanswered < p_most_unanswered THEN 'planned'
      WHEN o.effect = 'writes' AND o.on_unknown = 'ask' THEN 'awaiting' ELSE 'unknown' END AS status
    FROM (SELECT s.call, s.status AS was, s.effect, s.on_unknown,
        s.unanswered + (s.status = 'started' AND s.attempt IS NOT DISTINCT FROM present)::integer AS unanswered, s.effect = 'reads' OR (s.keyed
          AND greatest(s.created_at, s.decided_at) > clock_timestamp() - p_key_ms * interval '1 millisecond') AS harmless
      FROM tool_calls s WHERE s.run_id = p_run AND s.turn = p_turn
        AND (s.status = 'started' OR (s.status = 'planned' AND s.starts > 0))) o) n
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = n.call AND c.status = n.was;
  UPDATE tool_calls c SET status = CASE WHEN c.doubt THEN 'unknown' ELSE 'expired' END, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$`

export class KeepInheritedKeys1790000007170 implements MigrationInterface {
  name = 'KeepInheritedKeys1790000007170'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
