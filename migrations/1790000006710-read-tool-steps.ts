import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Turns that use tools. What the functions do is said in `src/runs/turns.sql`, where today's stand. */
const TURNS = `
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
`

const BEFORE = `
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
       'released', (SELECT coalesce(sum(h.released), 0)::text FROM holds h WHERE h.run_id = r.id))
     FROM (SELECT m.*, m.outcome = 'charged' AS paid FROM metered_calls m WHERE m.run_id = r.id) c)
  FROM runs r WHERE r.id = ANY(p_runs)
$$;

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
    'secondsSinceStart', coalesce(extract(epoch FROM clock_timestamp() - run.started_at), 0),
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
`

export class ReadToolSteps1790000006710 implements MigrationInterface {
  name = 'ReadToolSteps1790000006710'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(TURNS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
