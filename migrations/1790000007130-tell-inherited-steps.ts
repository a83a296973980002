import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Steps that a run goes on from are told apart from those that it makes: its receipt counted both. */
const AFTER = `ALTER TABLE tool_steps ADD COLUMN inherited boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION tool_inherit(p_run uuid, p_turn integer) RETURNS void LANGUAGE plpgsql AS $$
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
    title, definition_hash, effect, keyed, on_unknown, args, edited, status, result, error_code, files, starts, doubt,
    decided_by, decided_at, started_at, ended_at, inherited_from)
  SELECT gen_random_uuid(), p_run, p_turn, c.call, c.step, c.user_id, c.agent_id, c.provider_call_id, c.provider_data, c.source, c.server_id,
    c.source_name, c.name, c.title, c.definition_hash, c.effect, c.keyed, c.on_unknown, c.args, c.edited, c.status, c.result, c.error_code,
    c.files, c.starts, c.doubt, c.decided_by, c.decided_at, c.started_at, c.ended_at, coalesce(c.inherited_from, c.id)
  FROM tool_calls c WHERE c.run_id = earlier.run_id AND c.turn = earlier.index;
END $$;

CREATE OR REPLACE FUNCTION run_views(p_runs uuid[]) RETURNS TABLE (run json, turns json, receipt json) LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r),
    (SELECT coalesce(json_agg(json_build_object('index', t.index, 'agentId', t.agent_id, 'status', t.status,
       'attempt', t.attempt, 'messageId', t.message_id, 'notice', t.notice, 'onFallback', t.on_fallback) ORDER BY t.index), '[]')
     FROM turns t WHERE t.run_id = r.id),
    (SELECT json_build_object(
       'inputTokens', coalesce(sum(c.input_tokens + c.cached_input_tokens + c.cache_write_tokens) FILTER (WHERE c.paid), 0),
       'outputTokens', coalesce(sum(c.output_tokens + c.reasoning_tokens) FILTER (WHERE c.paid), 0),
       'credits', coalesce(sum(c.charged), 0)::text,
       'estimated', coalesce(bool_or(c.estimated) FILTER (WHERE c.paid), false),
       'lost', coalesce(sum(c.amount) FILTER (WHERE NOT c.paid), 0)::text,
       'released', (SELECT coalesce(sum(h.released), 0)::text FROM holds h WHERE h.run_id = r.id),
       'steps', (SELECT count(*) FROM tool_steps s WHERE s.run_id = r.id AND NOT s.inherited),
       'inheritedSteps', (SELECT count(*) FROM tool_steps s WHERE s.run_id = r.id AND s.inherited))
     FROM (SELECT m.*, m.outcome = 'charged' AS paid FROM metered_calls m WHERE m.run_id = r.id) c)
  FROM (SELECT w.id, w.user_id, w.conversation_id, w.status, w.strategy, w.max_turns, w.stop_reason, w.error_code, w.error_message,
      w.created_at, w.started_at, w.finished_at FROM runs w) r
  WHERE r.id = ANY(p_runs)
$$`

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
  INSERT INTO tool_steps (run_id, turn, step, user_id, text, thoughts)
  SELECT p_run, p_turn, s.step, s.user_id, s.text, s.thoughts FROM tool_steps s
  WHERE s.run_id = earlier.run_id AND s.turn = earlier.index AND s.step <= earlier.last_step;
  INSERT INTO tool_calls (id, run_id, turn, call, step, user_id, agent_id, provider_call_id, provider_data, source, server_id, source_name, name,
    title, definition_hash, effect, keyed, on_unknown, args, edited, status, result, error_code, files, starts, doubt,
    decided_by, decided_at, started_at, ended_at, inherited_from)
  SELECT gen_random_uuid(), p_run, p_turn, c.call, c.step, c.user_id, c.agent_id, c.provider_call_id, c.provider_data, c.source, c.server_id,
    c.source_name, c.name, c.title, c.definition_hash, c.effect, c.keyed, c.on_unknown, c.args, c.edited, c.status, c.result, c.error_code,
    c.files, c.starts, c.doubt, c.decided_by, c.decided_at, c.started_at, c.ended_at, coalesce(c.inherited_from, c.id)
  FROM tool_calls c WHERE c.run_id = earlier.run_id AND c.turn = earlier.index;
END $$;

CREATE OR REPLACE FUNCTION run_views(p_runs uuid[]) RETURNS TABLE (run json, turns json, receipt json) LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r),
    (SELECT coalesce(json_agg(json_build_object('index', t.index, 'agentId', t.agent_id, 'status', t.status,
       'attempt', t.attempt, 'messageId', t.message_id, 'notice', t.notice, 'onFallback', t.on_fallback) ORDER BY t.index), '[]')
     FROM turns t WHERE t.run_id = r.id),
    (SELECT json_build_object(
       'inputTokens', coalesce(sum(c.input_tokens + c.cached_input_tokens + c.cache_write_tokens) FILTER (WHERE c.paid), 0),
       'outputTokens', coalesce(sum(c.output_tokens + c.reasoning_tokens) FILTER (WHERE c.paid), 0),
       'credits', coalesce(sum(c.charged), 0)::text,
       'estimated', coalesce(bool_or(c.estimated) FILTER (WHERE c.paid), false),
       'lost', coalesce(sum(c.amount) FILTER (WHERE NOT c.paid), 0)::text,
       'released', (SELECT coalesce(sum(h.released), 0)::text FROM holds h WHERE h.run_id = r.id),
       'steps', (SELECT count(*) FROM tool_steps s WHERE s.run_id = r.id))
     FROM (SELECT m.*, m.outcome = 'charged' AS paid FROM metered_calls m WHERE m.run_id = r.id) c)
  FROM (SELECT w.id, w.user_id, w.conversation_id, w.status, w.strategy, w.max_turns, w.stop_reason, w.error_code, w.error_message,
      w.created_at, w.started_at, w.finished_at FROM runs w) r
  WHERE r.id = ANY(p_runs)
$$;

ALTER TABLE tool_steps DROP COLUMN inherited`

export class TellInheritedSteps1790000007130 implements MigrationInterface {
  name = 'TellInheritedSteps1790000007130'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
