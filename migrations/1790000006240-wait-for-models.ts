import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Admission and claim. Today's, and what they do, are in `src/runs/admission.sql` and `turns.sql`. */
const TURNS = `
CREATE OR REPLACE FUNCTION turns_admit(p_user uuid, p_cap integer)
RETURNS TABLE (run_id uuid, turn integer, dispatch integer, delay_ms integer, lane text, user_id uuid) LANGUAGE plpgsql AS $$
DECLARE
  is_trouble boolean := EXISTS (SELECT FROM breakers);
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
          AND (NOT is_trouble OR w.connection_id IS NULL
            OR (w.connection_id <> ALL(held) AND NOT model_held(w.connection_id, w.model))
            OR (w.fallback_id IS NOT NULL AND w.fallback_id <> ALL(held) AND NOT model_held(w.fallback_id, w.fallback_model)))
        ORDER BY w.created_at, w.run_id, w.index
        LIMIT places
        FOR UPDATE SKIP LOCKED
      )
      UPDATE turns t SET dispatched_at = clock_timestamp() FROM oldest o
      WHERE t.run_id = o.run_id AND t.index = o.index
      RETURNING t.run_id, t.index, t.dispatch, 0, t.lane, t.user_id;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION turn_claim(p_run uuid, p_turn integer, p_token uuid, p_lease_ms integer, p_tokens integer, p_files integer,
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
  wait := CASE WHEN falls_back THEN breaker_enter(route.fallback_id, route.fallback_model, p_probe_ms)
    ELSE breaker_enter(route.connection_id, route.model, p_probe_ms) END;
  IF wait IS NOT NULL AND NOT falls_back AND route.fallback_id IS NOT NULL THEN
    falls_back := breaker_enter(route.fallback_id, route.fallback_model, p_probe_ms) IS NULL;
    IF falls_back THEN wait := NULL; END IF;
  END IF;
  IF (route.lane = 'own' AND turn.lane <> 'own') OR (wait IS NOT NULL AND CASE WHEN falls_back
      THEN call_held(run.user_id, route.fallback_id, route.fallback_model)
      ELSE call_held(run.user_id, route.connection_id, route.model) END) THEN
    -- Under a new job id: the present job still runs while this is answered.
    UPDATE turns t SET lane = route.lane, connection_id = route.connection_id, model = route.model,
      fallback_id = route.fallback_id, fallback_model = route.fallback_model, dispatched_at = NULL, dispatch = t.dispatch + 1
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

CREATE OR REPLACE FUNCTION turns_admit(p_user uuid, p_cap integer)
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

CREATE OR REPLACE FUNCTION turn_claim(p_run uuid, p_turn integer, p_token uuid, p_lease_ms integer, p_tokens integer, p_files integer,
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

/** Turns wait for the model that they would call, without a place. */
export class WaitForModels1790000006240 implements MigrationInterface {
  name = 'WaitForModels1790000006240'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(TURNS)
    // Only claims called it.
    await queryRunner.query('DROP FUNCTION breaker_enter(uuid, integer)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(TURNS_BEFORE)
  }
}
