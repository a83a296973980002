import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As they are at this migration. Today's, and what they do, are in `src/runs/turns.sql`. */
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

CREATE FUNCTION turn_claim(p_run uuid, p_turn integer, p_token uuid, p_lease_ms integer, p_tokens integer, p_files integer,
  p_probe_ms integer DEFAULT 90000)
RETURNS TABLE (outcome text, retry_in_ms integer, claimed json, version bigint, room json) LANGUAGE plpgsql AS $$
DECLARE
  run runs;
  turn turns;
  route record;
  falls_back boolean;
  wait timestamptz;
BEGIN
  outcome := 'over';
  SELECT * INTO run FROM runs WHERE id = p_run;
  IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
  -- Only a start changes the conversation, whose lock comes before the run's.
  IF run.status <> 'running' THEN PERFORM FROM conversations WHERE id = run.conversation_id FOR UPDATE; END IF;
  SELECT * INTO run FROM runs WHERE id = p_run FOR UPDATE;
  IF NOT FOUND OR run.status IN ('completed', 'failed', 'cancelled') OR run.cancel_requested_at IS NOT NULL THEN
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.status = 'queued' AND t.due_at <= clock_timestamp() FOR UPDATE;
  IF NOT FOUND THEN
    SELECT CASE WHEN t.status = 'running' AND t.lease_until < clock_timestamp() THEN 'lapsed' ELSE 'later' END,
      greatest(ceil(extract(epoch FROM
        CASE t.status WHEN 'queued' THEN t.due_at ELSE t.lease_until END - clock_timestamp()) * 1000), 0)
    INTO outcome, retry_in_ms
    FROM turns t WHERE t.run_id = p_run AND t.index = p_turn AND t.status IN ('queued', 'running');
    outcome := coalesce(outcome, 'over');
    RETURN NEXT;
    RETURN;
  END IF;
  -- Looked up anew: its agent may have been given another connection since.
  SELECT * INTO route FROM turn_route(run.user_id,
    CASE WHEN turn.agent_id IS NULL THEN run.agent_ids ELSE ARRAY[turn.agent_id] END);
  falls_back := turn.on_fallback AND route.fallback_id IS NOT NULL;
  wait := breaker_enter(CASE WHEN falls_back THEN route.fallback_id ELSE route.connection_id END, p_probe_ms);
  IF wait IS NOT NULL AND NOT falls_back AND route.fallback_id IS NOT NULL THEN
    falls_back := breaker_enter(route.fallback_id, p_probe_ms) IS NULL;
    IF falls_back THEN wait := NULL; END IF;
  END IF;
  IF (route.lane = 'own' AND turn.lane <> 'own') OR (wait IS NOT NULL AND EXISTS (SELECT FROM connections_held(run.user_id) h
      WHERE h.id = CASE WHEN falls_back THEN route.fallback_id ELSE route.connection_id END)) THEN
    -- Under a new job id: the present job still runs while this is answered.
    UPDATE turns t SET lane = route.lane, connection_id = route.connection_id, fallback_id = route.fallback_id,
      dispatched_at = NULL, dispatch = t.dispatch + 1
    WHERE t.run_id = p_run AND t.index = p_turn RETURNING * INTO turn;
    outcome := 'waits';
    retry_in_ms := greatest(ceil(extract(epoch FROM wait - clock_timestamp()) * 1000), 0);
    claimed := row_to_json(turn);
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE turns t SET status = 'running', attempt = t.attempt + 1, claim_token = p_token, quote = NULL, on_fallback = falls_back,
    dispatched_at = coalesce(t.dispatched_at, clock_timestamp()),
    lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond', started_at = coalesce(t.started_at, now())
  WHERE t.run_id = p_run AND t.index = p_turn RETURNING * INTO turn;
  IF run.status = 'queued' THEN
    UPDATE runs SET status = 'running', started_at = coalesce(started_at, now()) WHERE id = p_run;
    UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = run.conversation_id
    RETURNING c.version INTO version;
  END IF;
  outcome := 'claimed';
  claimed := row_to_json(turn);
  room := turn_room(p_run, p_turn, p_tokens, p_files);
  RETURN NEXT;
END $$;
`

const TURNS_BEFORE = `
CREATE OR REPLACE FUNCTION run_views(p_runs uuid[]) RETURNS TABLE (run json, turns json, receipt json) LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r),
    (SELECT coalesce(json_agg(json_build_object('index', t.index, 'agentId', t.agent_id, 'status', t.status,
       'attempt', t.attempt, 'messageId', t.message_id, 'notice', t.notice) ORDER BY t.index), '[]')
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
    'terms', agent_terms(run.user_id, speaker.connection_id, speaker.model));
END $$;

CREATE FUNCTION turn_claim(p_run uuid, p_turn integer, p_token uuid, p_lease_ms integer, p_tokens integer, p_files integer)
RETURNS TABLE (outcome text, retry_in_ms integer, claimed json, version bigint, room json) LANGUAGE plpgsql AS $$
DECLARE
  run runs;
  turn turns;
BEGIN
  outcome := 'over';
  SELECT * INTO run FROM runs WHERE id = p_run;
  IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
  -- Only a start changes the conversation, whose lock comes before the run's.
  IF run.status <> 'running' THEN PERFORM FROM conversations WHERE id = run.conversation_id FOR UPDATE; END IF;
  SELECT * INTO run FROM runs WHERE id = p_run FOR UPDATE;
  IF NOT FOUND OR run.status IN ('completed', 'failed', 'cancelled') OR run.cancel_requested_at IS NOT NULL THEN
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE turns t SET status = 'running', attempt = t.attempt + 1, claim_token = p_token, quote = NULL,
    lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond', started_at = coalesce(t.started_at, now())
  WHERE t.run_id = p_run AND t.index = p_turn AND t.status = 'queued' AND t.due_at <= clock_timestamp()
  RETURNING * INTO turn;
  IF NOT FOUND THEN
    SELECT CASE WHEN t.status = 'running' AND t.lease_until < clock_timestamp() THEN 'lapsed' ELSE 'later' END,
      greatest(ceil(extract(epoch FROM
        CASE t.status WHEN 'queued' THEN t.due_at ELSE t.lease_until END - clock_timestamp()) * 1000), 0)
    INTO outcome, retry_in_ms
    FROM turns t WHERE t.run_id = p_run AND t.index = p_turn AND t.status IN ('queued', 'running');
    outcome := coalesce(outcome, 'over');
    RETURN NEXT;
    RETURN;
  END IF;
  IF run.status = 'queued' THEN
    UPDATE runs SET status = 'running', started_at = coalesce(started_at, now()) WHERE id = p_run;
    UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = run.conversation_id
    RETURNING c.version INTO version;
  END IF;
  outcome := 'claimed';
  claimed := row_to_json(turn);
  room := turn_room(p_run, p_turn, p_tokens, p_files);
  RETURN NEXT;
END $$;
`

/** A claim looks up where its turn belongs and whether it may call; a room tells of trouble, and which connection answers. */
export class ClaimByRoute1790000004610 implements MigrationInterface {
  name = 'ClaimByRoute1790000004610'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION turn_claim')
    await queryRunner.query(TURNS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION turn_claim')
    await queryRunner.query(TURNS_BEFORE)
  }
}
