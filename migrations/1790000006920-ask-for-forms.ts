import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As they are at this migration. Today's, and what they do, are in `src/chat/accept.sql` and `src/runs/turns.sql`. */
const ACCEPT = `
CREATE FUNCTION chat_accept(p_user uuid, p_conversation uuid, p_is_new boolean, p_run uuid, p_message uuid, p_text text,
  p_files uuid[], p_on_busy text, p_is_party boolean, p_agents uuid[], p_strategy text, p_max_turns integer,
  p_max_rounds integer, p_max_credits bigint, p_max_seconds integer, p_stop_phrase text, p_deadline_ms integer,
  p_first jsonb, p_cap integer, p_route text, p_key text, p_body_hash text, p_origin jsonb DEFAULT NULL,
  p_answer json DEFAULT NULL)
RETURNS TABLE (outcome text, response jsonb, active uuid, interrupted boolean, seq integer, message_at timestamptz,
  version bigint, view json, dispatches json) LANGUAGE plpgsql AS $$
DECLARE
  conversation conversations;
  run runs;
  known idempotency_keys;
  joined boolean;
BEGIN
  IF p_key IS NOT NULL THEN
    -- A concurrent request with the same key waits here for the commit of the first.
    INSERT INTO idempotency_keys (user_id, route, key, body_hash) VALUES (p_user, p_route, p_key, p_body_hash)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      SELECT * INTO known FROM idempotency_keys k WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key;
      outcome := CASE WHEN known.body_hash = p_body_hash THEN 'repeated' ELSE 'conflict' END;
      response := known.response;
      RETURN NEXT;
      RETURN;
    END IF;
  END IF;
  IF p_is_new THEN
    INSERT INTO conversations (id, user_id, agent_ids, strategy)
    VALUES (p_conversation, p_user, p_agents, p_strategy) RETURNING * INTO conversation;
  ELSE
    SELECT * INTO conversation FROM conversations c WHERE c.id = p_conversation AND c.user_id = p_user FOR UPDATE;
    SELECT * INTO run FROM runs r
    WHERE r.conversation_id = p_conversation AND r.status IN ('queued', 'running', 'waiting');
    active := run.id;
  END IF;
  outcome := CASE
    WHEN conversation.id IS NULL THEN 'conversation_gone'
    WHEN active IS NOT NULL AND p_on_busy = 'reject' THEN 'busy'
    WHEN (SELECT count(DISTINCT one) FROM unnest(p_files) one) > (SELECT count(*) FROM files f
      WHERE f.user_id = p_user AND f.id = ANY(p_files) AND f.status IN ('processing', 'ready', 'failed')) THEN 'files_gone'
    ELSE 'accepted' END;
  IF outcome <> 'accepted' THEN
    -- The key stays free: the same request may be sent again once nothing speaks against it.
    DELETE FROM idempotency_keys k WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key;
    RETURN NEXT;
    RETURN;
  END IF;

  joined := active IS NOT NULL AND p_on_busy = 'interject' AND run.cancel_requested_at IS NULL;
  interrupted := active IS NOT NULL AND p_on_busy = 'interrupt';
  IF interrupted THEN
    UPDATE runs r SET cancel_requested_at = now(), cancel_reason = 'interrupted'
    WHERE r.id = active AND r.cancel_requested_at IS NULL;
  END IF;
  IF NOT joined THEN
    INSERT INTO runs (id, conversation_id, user_id, status, strategy, agent_ids, max_turns, max_rounds, max_credits, max_seconds,
      stop_phrase, deadline_at, origin, answer)
    VALUES (p_run, p_conversation, p_user,
      CASE WHEN active IS NOT NULL THEN 'pending'
        WHEN EXISTS (SELECT FROM files f WHERE f.id = ANY(p_files) AND f.status = 'processing') THEN 'waiting'
        ELSE 'queued' END,
      p_strategy, p_agents, p_max_turns, p_max_rounds, p_max_credits, p_max_seconds, p_stop_phrase,
      now() + p_deadline_ms * interval '1 millisecond', p_origin, p_answer)
    RETURNING * INTO run;
    IF run.status = 'queued' THEN
      INSERT INTO turns (run_id, index, user_id, agent_id, step, kind, status)
      SELECT p_run, n.position - 1, p_user, (n.turn->>'agentId')::uuid, 0, n.turn->>'kind', 'queued'
      FROM jsonb_array_elements(p_first) WITH ORDINALITY AS n (turn, position);
    END IF;
  END IF;
  -- A word with one agent alone does not change how its party talks.
  UPDATE conversations c SET last_seq = c.last_seq + 1, version = c.version + 1, updated_at = now(),
    agent_ids = CASE WHEN joined THEN c.agent_ids ELSE p_agents END,
    strategy = CASE WHEN joined OR NOT p_is_party THEN c.strategy ELSE p_strategy END
  WHERE c.id = p_conversation RETURNING c.last_seq, c.version INTO seq, version;
  INSERT INTO messages AS m (id, conversation_id, seq, role, content, status, run_id, file_ids)
  VALUES (p_message, p_conversation, chat_accept.seq, 'user', p_text, 'complete', run.id, p_files)
  RETURNING m.created_at INTO message_at;
  response := jsonb_build_object('conversationId', p_conversation, 'runId', run.id, 'messageId', p_message, 'status', run.status);
  IF p_key IS NOT NULL THEN
    UPDATE idempotency_keys k SET response = chat_accept.response
    WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key;
  END IF;
  SELECT row_to_json(v) INTO view FROM run_views(ARRAY[run.id]) v;
  SELECT coalesce(json_agg(d), '[]') INTO dispatches FROM turns_admit(p_user, p_cap) d;
  RETURN NEXT;
END $$;
`
/** Without the form, which may be long and which no list shows. */
const VIEWS = `
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
`

const ACCEPT_BEFORE = `
CREATE FUNCTION chat_accept(p_user uuid, p_conversation uuid, p_is_new boolean, p_run uuid, p_message uuid, p_text text,
  p_files uuid[], p_on_busy text, p_is_party boolean, p_agents uuid[], p_strategy text, p_max_turns integer,
  p_max_rounds integer, p_max_credits bigint, p_max_seconds integer, p_stop_phrase text, p_deadline_ms integer,
  p_first jsonb, p_cap integer, p_route text, p_key text, p_body_hash text, p_origin jsonb DEFAULT NULL)
RETURNS TABLE (outcome text, response jsonb, active uuid, interrupted boolean, seq integer, message_at timestamptz,
  version bigint, view json, dispatches json) LANGUAGE plpgsql AS $$
DECLARE
  conversation conversations;
  run runs;
  known idempotency_keys;
  joined boolean;
BEGIN
  IF p_key IS NOT NULL THEN
    -- A concurrent request with the same key waits here for the commit of the first.
    INSERT INTO idempotency_keys (user_id, route, key, body_hash) VALUES (p_user, p_route, p_key, p_body_hash)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      SELECT * INTO known FROM idempotency_keys k WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key;
      outcome := CASE WHEN known.body_hash = p_body_hash THEN 'repeated' ELSE 'conflict' END;
      response := known.response;
      RETURN NEXT;
      RETURN;
    END IF;
  END IF;
  IF p_is_new THEN
    INSERT INTO conversations (id, user_id, agent_ids, strategy)
    VALUES (p_conversation, p_user, p_agents, p_strategy) RETURNING * INTO conversation;
  ELSE
    SELECT * INTO conversation FROM conversations c WHERE c.id = p_conversation AND c.user_id = p_user FOR UPDATE;
    SELECT * INTO run FROM runs r
    WHERE r.conversation_id = p_conversation AND r.status IN ('queued', 'running', 'waiting');
    active := run.id;
  END IF;
  outcome := CASE
    WHEN conversation.id IS NULL THEN 'conversation_gone'
    WHEN active IS NOT NULL AND p_on_busy = 'reject' THEN 'busy'
    WHEN (SELECT count(DISTINCT one) FROM unnest(p_files) one) > (SELECT count(*) FROM files f
      WHERE f.user_id = p_user AND f.id = ANY(p_files) AND f.status IN ('processing', 'ready', 'failed')) THEN 'files_gone'
    ELSE 'accepted' END;
  IF outcome <> 'accepted' THEN
    -- The key stays free: the same request may be sent again once nothing speaks against it.
    DELETE FROM idempotency_keys k WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key;
    RETURN NEXT;
    RETURN;
  END IF;

  joined := active IS NOT NULL AND p_on_busy = 'interject' AND run.cancel_requested_at IS NULL;
  interrupted := active IS NOT NULL AND p_on_busy = 'interrupt';
  IF interrupted THEN
    UPDATE runs r SET cancel_requested_at = now(), cancel_reason = 'interrupted'
    WHERE r.id = active AND r.cancel_requested_at IS NULL;
  END IF;
  IF NOT joined THEN
    INSERT INTO runs (id, conversation_id, user_id, status, strategy, agent_ids, max_turns, max_rounds, max_credits, max_seconds,
      stop_phrase, deadline_at, origin)
    VALUES (p_run, p_conversation, p_user,
      CASE WHEN active IS NOT NULL THEN 'pending'
        WHEN EXISTS (SELECT FROM files f WHERE f.id = ANY(p_files) AND f.status = 'processing') THEN 'waiting'
        ELSE 'queued' END,
      p_strategy, p_agents, p_max_turns, p_max_rounds, p_max_credits, p_max_seconds, p_stop_phrase,
      now() + p_deadline_ms * interval '1 millisecond', p_origin)
    RETURNING * INTO run;
    IF run.status = 'queued' THEN
      INSERT INTO turns (run_id, index, user_id, agent_id, step, kind, status)
      SELECT p_run, n.position - 1, p_user, (n.turn->>'agentId')::uuid, 0, n.turn->>'kind', 'queued'
      FROM jsonb_array_elements(p_first) WITH ORDINALITY AS n (turn, position);
    END IF;
  END IF;
  -- A word with one agent alone does not change how its party talks.
  UPDATE conversations c SET last_seq = c.last_seq + 1, version = c.version + 1, updated_at = now(),
    agent_ids = CASE WHEN joined THEN c.agent_ids ELSE p_agents END,
    strategy = CASE WHEN joined OR NOT p_is_party THEN c.strategy ELSE p_strategy END
  WHERE c.id = p_conversation RETURNING c.last_seq, c.version INTO seq, version;
  INSERT INTO messages AS m (id, conversation_id, seq, role, content, status, run_id, file_ids)
  VALUES (p_message, p_conversation, chat_accept.seq, 'user', p_text, 'complete', run.id, p_files)
  RETURNING m.created_at INTO message_at;
  response := jsonb_build_object('conversationId', p_conversation, 'runId', run.id, 'messageId', p_message, 'status', run.status);
  IF p_key IS NOT NULL THEN
    UPDATE idempotency_keys k SET response = chat_accept.response
    WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key;
  END IF;
  SELECT row_to_json(v) INTO view FROM run_views(ARRAY[run.id]) v;
  SELECT coalesce(json_agg(d), '[]') INTO dispatches FROM turns_admit(p_user, p_cap) d;
  RETURN NEXT;
END $$;
`
const VIEWS_BEFORE = `
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
  FROM runs r WHERE r.id = ANY(p_runs)
$$;
`

/** Runs whose answer is to have a form. The schema stays as it was written: `json`, for its members are read in their order. */
export class AskForForms1790000006920 implements MigrationInterface {
  name = 'AskForForms1790000006920'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE runs ADD COLUMN answer json')
    await queryRunner.query('DROP FUNCTION chat_accept')
    await queryRunner.query(ACCEPT)
    await queryRunner.query(VIEWS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(VIEWS_BEFORE)
    await queryRunner.query('DROP FUNCTION chat_accept')
    await queryRunner.query(ACCEPT_BEFORE)
    await queryRunner.query('ALTER TABLE runs DROP COLUMN answer')
  }
}
