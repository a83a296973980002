import type { MigrationInterface, QueryRunner } from 'typeorm'

/** A run that holds another one once more goes on from what tools have done there. */
const AFTER = `ALTER TABLE runs ADD COLUMN retries uuid;
ALTER TABLE tool_calls ADD COLUMN inherited_from uuid;

CREATE FUNCTION tool_inherit(p_run uuid, p_turn integer) RETURNS void LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_starts integer, p_approval_ms bigint)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM tool_inherit(p_run, p_turn);
  UPDATE tool_calls c SET status = n.status, doubt = c.doubt OR NOT n.harmless,
    expires_at = CASE n.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    decided_by = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_by END,
    decided_at = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_at END,
    ended_at = CASE n.status WHEN 'unknown' THEN clock_timestamp() END
  FROM (SELECT o.call, o.harmless, CASE WHEN o.harmless AND o.starts < p_most_starts THEN 'planned'
      WHEN NOT o.harmless AND o.on_unknown = 'ask' THEN 'awaiting' ELSE 'unknown' END AS status
    FROM (SELECT s.*, s.keyed OR s.effect = 'reads' AS harmless FROM tool_calls s
      WHERE s.run_id = p_run AND s.turn = p_turn AND s.status = 'started') o) n
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = n.call AND c.status = 'started';
  UPDATE tool_calls c SET status = CASE WHEN c.doubt THEN 'unknown' ELSE 'expired' END, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION turn_room(p_run uuid, p_turn integer, p_tokens integer, p_files integer) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
  run runs;
  turn turns;
  speaker agents;
  summary conversation_summaries;
  waiting uuid[];
  unheard integer[] := '{}';
  falls_back boolean;
  terms json;
BEGIN
  SELECT * INTO run FROM runs WHERE id = p_run;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT * INTO turn FROM turns WHERE run_id = p_run AND index = p_turn;
  SELECT * INTO speaker FROM agents WHERE id = coalesce(turn.agent_id, run.agent_ids[1]);
  SELECT * INTO summary FROM conversation_summaries WHERE conversation_id = run.conversation_id ORDER BY version DESC LIMIT 1;
  SELECT coalesce(array_agg(id), '{}') INTO waiting FROM runs
  WHERE conversation_id = run.conversation_id AND status = 'pending';
  IF run.strategy = 'panel' THEN
    SELECT coalesce(array_agg(index), '{}') INTO unheard FROM turns
    WHERE run_id = p_run AND step = turn.step AND index <> p_turn;
  END IF;
  falls_back := turn.on_fallback AND speaker.fallback_connection_id IS NOT NULL;
  terms := CASE WHEN falls_back THEN agent_terms(run.user_id, speaker.fallback_connection_id, speaker.fallback_model)
    ELSE agent_terms(run.user_id, speaker.connection_id, speaker.model) END;
  RETURN json_build_object(
    'run', row_to_json(run),
    'maxCredits', run.max_credits::text,
    'secondsSinceStart', coalesce(extract(epoch FROM clock_timestamp() - run.started_at) - run.paused_ms / 1000.0, 0),
    'hasSteps', run.retries IS NOT NULL OR EXISTS (SELECT FROM tool_steps s WHERE s.run_id = p_run AND s.turn = p_turn),
    'lastSeq', (SELECT last_seq FROM conversations WHERE id = run.conversation_id),
    'turns', (SELECT json_agg(json_build_object('index', t.index, 'agentId', t.agent_id, 'step', t.step, 'kind', t.kind,
        'status', t.status, 'passed', t.passed, 'seenSeq', t.seen_seq, 'messageId', t.message_id, 'endedBy', t.ended_by,
        'errorCode', t.error_code, 'errorMessage', t.error_message) ORDER BY t.index)
      FROM turns t WHERE t.run_id = p_run),
    'participants', (SELECT coalesce(json_agg(row_to_json(a) ORDER BY p.position), '[]')
      FROM unnest(run.agent_ids) WITH ORDINALITY AS p (id, position) JOIN agents a ON a.id = p.id),
    'transcript', (SELECT coalesce(json_agg(json_build_object('seq', l.seq, 'role', l.role, 'agentId', l.agent_id,
        'agentName', l.agent_name, 'content', l.content, 'fileIds', l.file_ids, 'runId', l.run_id)), '[]')
      FROM conversation_transcript(run.conversation_id, p_run, waiting, unheard, coalesce(summary.up_to_seq, 0), p_tokens) l),
    'summary', CASE WHEN summary.version IS NOT NULL THEN json_build_object('text', summary.text, 'upToSeq', summary.up_to_seq) END,
    'user', (SELECT json_build_object('seq', m.seq, 'text', m.content) FROM messages m
      WHERE m.run_id = p_run AND m.role = 'user' ORDER BY m.seq DESC LIMIT 1),
    'fileIds', (SELECT coalesce(json_agg(f.id), '[]') FROM conversation_files(run.conversation_id, p_files, waiting) f),
    'available', (SELECT available::text FROM accounts WHERE user_id = run.user_id),
    'committed', CASE WHEN run.max_credits IS NOT NULL THEN run_committed(p_run)::text END,
    'spent', CASE WHEN run.max_credits IS NOT NULL THEN (SELECT coalesce(sum(charged), 0)::text FROM metered_calls
      WHERE run_id = p_run AND outcome = 'charged') END,
    'terms', terms, 'onFallback', falls_back, 'trouble', connection_trouble(terms));
END $$;`

const BEFORE = `CREATE OR REPLACE FUNCTION turn_room(p_run uuid, p_turn integer, p_tokens integer, p_files integer) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
  run runs;
  turn turns;
  speaker agents;
  summary conversation_summaries;
  waiting uuid[];
  unheard integer[] := '{}';
  falls_back boolean;
  terms json;
BEGIN
  SELECT * INTO run FROM runs WHERE id = p_run;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT * INTO turn FROM turns WHERE run_id = p_run AND index = p_turn;
  SELECT * INTO speaker FROM agents WHERE id = coalesce(turn.agent_id, run.agent_ids[1]);
  SELECT * INTO summary FROM conversation_summaries WHERE conversation_id = run.conversation_id ORDER BY version DESC LIMIT 1;
  SELECT coalesce(array_agg(id), '{}') INTO waiting FROM runs
  WHERE conversation_id = run.conversation_id AND status = 'pending';
  IF run.strategy = 'panel' THEN
    SELECT coalesce(array_agg(index), '{}') INTO unheard FROM turns
    WHERE run_id = p_run AND step = turn.step AND index <> p_turn;
  END IF;
  falls_back := turn.on_fallback AND speaker.fallback_connection_id IS NOT NULL;
  terms := CASE WHEN falls_back THEN agent_terms(run.user_id, speaker.fallback_connection_id, speaker.fallback_model)
    ELSE agent_terms(run.user_id, speaker.connection_id, speaker.model) END;
  RETURN json_build_object(
    'run', row_to_json(run),
    'maxCredits', run.max_credits::text,
    'secondsSinceStart', coalesce(extract(epoch FROM clock_timestamp() - run.started_at) - run.paused_ms / 1000.0, 0),
    'hasSteps', EXISTS (SELECT FROM tool_steps s WHERE s.run_id = p_run AND s.turn = p_turn),
    'lastSeq', (SELECT last_seq FROM conversations WHERE id = run.conversation_id),
    'turns', (SELECT json_agg(json_build_object('index', t.index, 'agentId', t.agent_id, 'step', t.step, 'kind', t.kind,
        'status', t.status, 'passed', t.passed, 'seenSeq', t.seen_seq, 'messageId', t.message_id, 'endedBy', t.ended_by,
        'errorCode', t.error_code, 'errorMessage', t.error_message) ORDER BY t.index)
      FROM turns t WHERE t.run_id = p_run),
    'participants', (SELECT coalesce(json_agg(row_to_json(a) ORDER BY p.position), '[]')
      FROM unnest(run.agent_ids) WITH ORDINALITY AS p (id, position) JOIN agents a ON a.id = p.id),
    'transcript', (SELECT coalesce(json_agg(json_build_object('seq', l.seq, 'role', l.role, 'agentId', l.agent_id,
        'agentName', l.agent_name, 'content', l.content, 'fileIds', l.file_ids, 'runId', l.run_id)), '[]')
      FROM conversation_transcript(run.conversation_id, p_run, waiting, unheard, coalesce(summary.up_to_seq, 0), p_tokens) l),
    'summary', CASE WHEN summary.version IS NOT NULL THEN json_build_object('text', summary.text, 'upToSeq', summary.up_to_seq) END,
    'user', (SELECT json_build_object('seq', m.seq, 'text', m.content) FROM messages m
      WHERE m.run_id = p_run AND m.role = 'user' ORDER BY m.seq DESC LIMIT 1),
    'fileIds', (SELECT coalesce(json_agg(f.id), '[]') FROM conversation_files(run.conversation_id, p_files, waiting) f),
    'available', (SELECT available::text FROM accounts WHERE user_id = run.user_id),
    'committed', CASE WHEN run.max_credits IS NOT NULL THEN run_committed(p_run)::text END,
    'spent', CASE WHEN run.max_credits IS NOT NULL THEN (SELECT coalesce(sum(charged), 0)::text FROM metered_calls
      WHERE run_id = p_run AND outcome = 'charged') END,
    'terms', terms, 'onFallback', falls_back, 'trouble', connection_trouble(terms));
END $$;

CREATE OR REPLACE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_starts integer, p_approval_ms bigint)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET status = n.status, doubt = c.doubt OR NOT n.harmless,
    expires_at = CASE n.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    decided_by = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_by END,
    decided_at = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_at END,
    ended_at = CASE n.status WHEN 'unknown' THEN clock_timestamp() END
  FROM (SELECT o.call, o.harmless, CASE WHEN o.harmless AND o.starts < p_most_starts THEN 'planned'
      WHEN NOT o.harmless AND o.on_unknown = 'ask' THEN 'awaiting' ELSE 'unknown' END AS status
    FROM (SELECT s.*, s.keyed OR s.effect = 'reads' AS harmless FROM tool_calls s
      WHERE s.run_id = p_run AND s.turn = p_turn AND s.status = 'started') o) n
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = n.call AND c.status = 'started';
  UPDATE tool_calls c SET status = CASE WHEN c.doubt THEN 'unknown' ELSE 'expired' END, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$;

DROP FUNCTION tool_inherit(uuid, integer);
ALTER TABLE tool_calls DROP COLUMN inherited_from;
ALTER TABLE runs DROP COLUMN retries`

export class InheritToolCalls1790000007050 implements MigrationInterface {
  name = 'InheritToolCalls1790000007050'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
