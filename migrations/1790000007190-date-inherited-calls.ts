import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What waits for a decision is listed by its ids, newest first: calls that a run goes on from had ids without a time, and stood above all others. */
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
  SELECT uuid_now(), p_run, p_turn, c.call, c.step, c.user_id, c.agent_id, c.provider_call_id, c.provider_data, c.source, c.server_id,
    c.source_name, c.name, c.title, c.definition_hash, c.effect, c.keyed, c.on_unknown, c.args, c.edited,
    CASE WHEN o.is_open THEN 'started' ELSE c.status END, c.result, c.error_code,
    c.files, c.starts, c.unanswered, c.doubt, c.decided_by, c.decided_at,
    (SELECT min(o.created_at) FROM tool_calls o WHERE o.id IN (c.id, c.inherited_from)), c.started_at,
    CASE WHEN NOT o.is_open THEN c.ended_at END, coalesce(c.inherited_from, c.id)
  FROM tool_calls c, LATERAL (SELECT c.status = 'unknown' AND c.step = earlier.last_step
    AND coalesce(c.decided_at < c.started_at, TRUE) AS is_open) o
  WHERE c.run_id = earlier.run_id AND c.turn = earlier.index;
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
    c.files, c.starts, c.unanswered, c.doubt, c.decided_by, c.decided_at,
    (SELECT min(o.created_at) FROM tool_calls o WHERE o.id IN (c.id, c.inherited_from)), c.started_at,
    CASE WHEN NOT o.is_open THEN c.ended_at END, coalesce(c.inherited_from, c.id)
  FROM tool_calls c, LATERAL (SELECT c.status = 'unknown' AND c.step = earlier.last_step
    AND coalesce(c.decided_at < c.started_at, TRUE) AS is_open) o
  WHERE c.run_id = earlier.run_id AND c.turn = earlier.index;
END $$`

export class DateInheritedCalls1790000007190 implements MigrationInterface {
  name = 'DateInheritedCalls1790000007190'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
