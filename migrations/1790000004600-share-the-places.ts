import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Breakers, as they are at this migration. Today's, and what they do, are in `src/connections/breakers.sql`. */
const BREAKERS = `
CREATE FUNCTION breaker_subjects(p_id uuid, p_user uuid, p_provider text, p_base_url text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY[p_id::text, CASE WHEN p_user IS NULL THEN 'platform ' ELSE 'own ' END
    || coalesce(lower(substring(p_base_url FROM '^[A-Za-z]+://([^/?#]+)')), p_provider)]
$$;

CREATE FUNCTION connections_held(p_user uuid) RETURNS TABLE (id uuid) LANGUAGE sql STABLE AS $$
  SELECT c.id FROM connections c
  WHERE EXISTS (SELECT FROM breakers) AND (c.user_id = p_user OR c.user_id IS NULL) AND EXISTS (
    SELECT FROM breakers b WHERE b.subject = ANY(breaker_subjects(c.id, c.user_id, c.provider, c.base_url))
      AND b.holds AND greatest(b.open_until, b.probe_until) > clock_timestamp())
$$;

CREATE FUNCTION breaker_enter(p_connection uuid, p_probe_ms integer) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  subjects text[];
  wait timestamptz;
BEGIN
  IF NOT EXISTS (SELECT FROM breakers) THEN RETURN NULL; END IF;
  SELECT breaker_subjects(c.id, c.user_id, c.provider, c.base_url) INTO subjects FROM connections c WHERE c.id = p_connection;
  -- Locked, so that of two that ask at once one probes.
  PERFORM FROM breakers b WHERE b.subject = ANY(subjects) AND b.open_until IS NOT NULL ORDER BY b.subject FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT max(greatest(b.open_until, b.probe_until)) INTO wait FROM breakers b
  WHERE b.subject = ANY(subjects) AND b.open_until IS NOT NULL;
  IF wait > clock_timestamp() THEN RETURN wait; END IF;
  UPDATE breakers b SET probe_until = clock_timestamp() + p_probe_ms * interval '1 millisecond'
  WHERE b.subject = ANY(subjects) AND b.open_until IS NOT NULL;
  RETURN NULL;
END $$;

CREATE FUNCTION breaker_failed(p_connection uuid, p_code text, p_is_limit boolean, p_wait_ms integer, p_threshold integer,
  p_open_ms integer, p_most_ms integer, p_holds boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  subjects text[];
  wanted text;
  breaker breakers;
  until timestamptz;
BEGIN
  SELECT breaker_subjects(c.id, c.user_id, c.provider, c.base_url) INTO subjects FROM connections c WHERE c.id = p_connection;
  FOREACH wanted IN ARRAY coalesce(subjects, '{}') LOOP
    INSERT INTO breakers AS b (subject, failures, code, holds) VALUES (wanted, 1, p_code, p_holds)
    ON CONFLICT (subject) DO UPDATE SET failures = b.failures + 1, code = p_code, holds = p_holds,
      changed_at = clock_timestamp()
    RETURNING * INTO breaker;
    IF breaker.open_until > clock_timestamp() THEN
      UPDATE breakers b SET open_until = greatest(b.open_until,
        CASE WHEN p_is_limit THEN clock_timestamp() + p_wait_ms * interval '1 millisecond' END)
      WHERE b.subject = wanted RETURNING * INTO breaker;
      RETURN greatest(until, breaker.open_until);
    END IF;
    EXIT WHEN NOT p_is_limit AND breaker.open_until IS NULL AND breaker.failures < p_threshold;
    UPDATE breakers b SET opens = b.opens + 1, probe_until = NULL, open_until = clock_timestamp() + greatest(p_wait_ms,
      CASE WHEN p_is_limit THEN 0 ELSE least(p_open_ms * power(2, least(b.opens, 16)), p_most_ms) END) * interval '1 millisecond'
    WHERE b.subject = wanted RETURNING * INTO breaker;
    until := greatest(until, breaker.open_until);
    -- A limit is of one account; and one connection counts once for its host, but for a host that is open already.
    EXIT WHEN p_is_limit OR (breaker.opens > 1
      AND NOT EXISTS (SELECT FROM breakers h WHERE h.subject = subjects[2] AND h.open_until IS NOT NULL));
  END LOOP;
  RETURN until;
END $$;

CREATE FUNCTION breaker_closed(p_connection uuid) RETURNS void LANGUAGE sql AS $$
  DELETE FROM breakers b USING connections c
  WHERE c.id = p_connection AND b.subject = ANY(breaker_subjects(c.id, c.user_id, c.provider, c.base_url))
$$;

CREATE FUNCTION connection_trouble(p_terms json) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('isOpen', bool_or(b.open_until > clock_timestamp()), 'code', min(b.code)) FROM breakers b
  WHERE b.subject = ANY(breaker_subjects((p_terms->'connection'->>'id')::uuid, (p_terms->'connection'->>'user_id')::uuid,
    p_terms->'connection'->>'provider', p_terms->'connection'->>'base_url'))
  HAVING count(*) > 0
$$;
`

/** Admission. Today's, and what it does, is in `src/runs/admission.sql`. */
const ADMISSION = `
CREATE FUNCTION turn_route(p_user uuid, p_agents uuid[])
RETURNS TABLE (lane text, connection_id uuid, fallback_id uuid) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN bool_or(c.user_id IS NOT NULL OR f.user_id IS NOT NULL) THEN 'own' ELSE 'platform' END,
    (array_agg(c.id ORDER BY p.position))[1], (array_agg(f.id ORDER BY p.position))[1]
  FROM unnest(p_agents) WITH ORDINALITY AS p (id, position) JOIN agents a ON a.id = p.id
    LEFT JOIN connections c ON c.id = coalesce(a.connection_id, (SELECT d.id FROM connections d
      WHERE a.connection_id IS NULL AND (d.user_id = p_user OR d.user_id IS NULL) AND d.is_default
      ORDER BY d.user_id NULLS LAST LIMIT 1))
    LEFT JOIN connections f ON f.id = a.fallback_connection_id
$$;

CREATE FUNCTION lane_room(p_lane text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT (coalesce((SELECT ceil(sum(p.places) * 0.75) FROM worker_places p
      WHERE p.queue = CASE p_lane WHEN 'own' THEN 'turns-own' ELSE 'turns' END
        AND p.seen_at > clock_timestamp() - interval '30 seconds'), 150)
    - (SELECT count(*) FROM turns t
      WHERE t.lane = p_lane AND t.dispatched_at IS NOT NULL AND t.status IN ('queued', 'running')))::integer
$$;

CREATE FUNCTION turns_admit(p_user uuid, p_cap integer)
RETURNS TABLE (run_id uuid, turn integer, dispatch integer, delay_ms integer, lane text, user_id uuid) LANGUAGE plpgsql AS $$
DECLARE
  held uuid[];
  wanted text;
  mine integer;
  places integer;
BEGIN
  PERFORM pg_advisory_xact_lock(401, uuid_hash(p_user));
  SELECT coalesce(array_agg(h.id), '{}') INTO held FROM connections_held(p_user) h;
  FOREACH wanted IN ARRAY ARRAY['platform', 'own'] LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM turns w WHERE w.user_id = p_user AND w.lane = wanted
      AND w.status = 'queued' AND w.dispatched_at IS NULL);
    SELECT count(*) INTO mine FROM turns o
    WHERE o.lane = wanted AND o.user_id = p_user AND o.dispatched_at IS NOT NULL AND o.status IN ('queued', 'running');
    places := p_cap - mine;
    CONTINUE WHEN places <= 0;
    -- With n more, mine + n is at most half of the room that is left then, rounded up.
    IF p_cap > 1 THEN
      places := least(places, greatest((lane_room(wanted) + 1 - 2 * mine) / 3, CASE mine WHEN 0 THEN 1 ELSE 0 END));
    END IF;
    -- Materialized: a subquery that locks must not be run again for each row.
    RETURN QUERY
      WITH oldest AS MATERIALIZED (
        SELECT w.run_id, w.index FROM turns w
        WHERE w.user_id = p_user AND w.lane = wanted AND w.status = 'queued' AND w.dispatched_at IS NULL
          AND w.due_at <= clock_timestamp()
          AND (w.connection_id IS NULL OR w.connection_id <> ALL(held) OR w.fallback_id <> ALL(held))
        ORDER BY w.created_at, w.run_id, w.index
        LIMIT places
        FOR UPDATE SKIP LOCKED
      )
      UPDATE turns t SET dispatched_at = clock_timestamp() FROM oldest o
      WHERE t.run_id = o.run_id AND t.index = o.index
      RETURNING t.run_id, t.index, t.dispatch, 0, t.lane, t.user_id;
  END LOOP;
END $$;
`

/** A turn knows its lane and connections from its first moment on; a claim looks again. */
const ROUTED = `
CREATE FUNCTION turns_routed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT r.lane, r.connection_id, r.fallback_id INTO NEW.lane, NEW.connection_id, NEW.fallback_id
  FROM turn_route(NEW.user_id, CASE WHEN NEW.agent_id IS NULL THEN (SELECT agent_ids FROM runs WHERE id = NEW.run_id)
    ELSE ARRAY[NEW.agent_id] END) r;
  NEW.lane := coalesce(NEW.lane, 'platform');
  RETURN NEW;
END $$;
CREATE TRIGGER turns_routed BEFORE INSERT ON turns FOR EACH ROW EXECUTE FUNCTION turns_routed();
`

/** Today's are in `src/runs/turns.sql`. */
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

CREATE FUNCTION turns_admit(p_user uuid, p_cap integer)
RETURNS TABLE (run_id uuid, turn integer, dispatch integer, delay_ms integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(401, uuid_hash(p_user));
  -- Materialized: a subquery that locks must not be run again for each row.
  RETURN QUERY
    WITH oldest AS MATERIALIZED (
      SELECT w.run_id, w.index FROM turns w
      WHERE w.user_id = p_user AND w.status = 'queued' AND w.dispatched_at IS NULL
      ORDER BY w.created_at, w.run_id, w.index
      LIMIT greatest(p_cap - (SELECT count(*) FROM turns o
        WHERE o.user_id = p_user AND o.status IN ('queued', 'running') AND o.dispatched_at IS NOT NULL), 0)
      FOR UPDATE SKIP LOCKED
    )
    UPDATE turns t SET dispatched_at = clock_timestamp() FROM oldest o
    WHERE t.run_id = o.run_id AND t.index = o.index
    RETURNING t.run_id, t.index, t.dispatch,
      greatest(ceil(extract(epoch FROM t.due_at - clock_timestamp()) * 1000), 0)::integer;
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

/** Places by lane and share, breakers that the fleet shares, and an agent's second connection. */
export class ShareThePlaces1790000004600 implements MigrationInterface {
  name = 'ShareThePlaces1790000004600'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE breakers (
        subject text CONSTRAINT breakers_pk PRIMARY KEY,
        failures integer NOT NULL DEFAULT 0,
        opens integer NOT NULL DEFAULT 0,
        open_until timestamptz,
        probe_until timestamptz,
        holds boolean NOT NULL DEFAULT true,
        code text NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query(`
      CREATE TABLE worker_places (
        worker_id uuid NOT NULL,
        queue text NOT NULL,
        places integer NOT NULL,
        taken integer NOT NULL DEFAULT 0,
        seen_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT worker_places_pk PRIMARY KEY (worker_id, queue)
      )`)
    await queryRunner.query(`
      ALTER TABLE agents ADD COLUMN fallback_connection_id uuid, ADD COLUMN fallback_model text,
        ADD CONSTRAINT agents_fallback_connection_fk FOREIGN KEY (fallback_connection_id) REFERENCES connections (id)`)
    await queryRunner.query('CREATE INDEX agents_fallback_connection ON agents (fallback_connection_id)')
    await queryRunner.query(`
      ALTER TABLE turns ADD COLUMN lane text NOT NULL DEFAULT 'platform'
          CONSTRAINT turns_lane_known CHECK (lane IN ('platform', 'own')),
        ADD COLUMN connection_id uuid, ADD COLUMN fallback_id uuid, ADD COLUMN on_fallback boolean NOT NULL DEFAULT false`)
    await queryRunner.query('DROP INDEX turns_admission')
    await queryRunner.query(
      `CREATE INDEX turns_admission ON turns (user_id, lane, created_at) WHERE status IN ('queued', 'running')`,
    )
    await queryRunner.query(
      `CREATE INDEX turns_places ON turns (lane, user_id) WHERE dispatched_at IS NOT NULL AND status IN ('queued', 'running')`,
    )
    await queryRunner.query(BREAKERS)
    // Older processes go on to call it; what it answers besides, they do not ask for.
    await queryRunner.query('DROP FUNCTION turns_admit, turn_claim')
    await queryRunner.query(ADMISSION)
    await queryRunner.query(ROUTED)
    await queryRunner.query(TURNS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TRIGGER turns_routed ON turns')
    await queryRunner.query('DROP FUNCTION turns_routed, turn_claim, turns_admit, lane_room, turn_route')
    await queryRunner.query(TURNS_BEFORE)
    await queryRunner.query(
      'DROP FUNCTION connection_trouble, breaker_closed, breaker_failed, breaker_enter, connections_held, breaker_subjects',
    )
    await queryRunner.query('DROP INDEX turns_places, turns_admission')
    await queryRunner.query(
      `CREATE INDEX turns_admission ON turns (user_id, created_at) WHERE status IN ('queued', 'running')`,
    )
    await queryRunner.query(
      'ALTER TABLE turns DROP COLUMN on_fallback, DROP COLUMN fallback_id, DROP COLUMN connection_id, DROP COLUMN lane',
    )
    await queryRunner.query('ALTER TABLE agents DROP COLUMN fallback_model, DROP COLUMN fallback_connection_id')
    await queryRunner.query('DROP TABLE worker_places, breakers')
  }
}
