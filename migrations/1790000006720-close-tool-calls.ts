import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Turns that use tools. What the functions do is said in `src/runs/turns.sql`, where today's stand. */
const TURNS = `
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
  -- Waiting: for somebody's decision on a call of a tool, and nobody made it in time.
  IF run.status IN ('queued', 'waiting') THEN
    UPDATE runs SET status = 'running', started_at = coalesce(started_at, now()), paused_at = NULL, paused_ms = paused_ms
      + CASE WHEN paused_at IS NULL THEN 0 ELSE ceil(extract(epoch FROM clock_timestamp() - paused_at) * 1000) END
    WHERE id = p_run;
    UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = run.conversation_id
    RETURNING c.version INTO version;
  END IF;
  outcome := 'claimed';
  claimed := row_to_json(turn);
  room := turn_room(p_run, p_turn, p_tokens, p_files);
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION turn_settle(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_status text, p_agent uuid,
  p_message uuid, p_text text, p_passed boolean, p_seen_seq integer, p_prompt_version text, p_ended_by text,
  p_error_code text, p_error_message text, p_hold uuid, p_calls jsonb, p_lost jsonb, p_extend_entry uuid, p_extend_key text,
  p_release_entry uuid, p_gives_titles boolean, p_known_seq integer, p_next jsonb, p_cap integer, p_file_wait_ms integer)
RETURNS TABLE (outcome text, message json, charged bigint, released bigint, lost bigint, available bigint, held bigint,
  version bigint, title_wanted boolean, dispatches json, view json) LANGUAGE plpgsql AS $$
DECLARE
  conversation conversations;
  run runs;
  turn turns;
  money record;
  said messages;
BEGIN
  SELECT * INTO conversation FROM conversations WHERE id = p_conversation FOR UPDATE;
  SELECT * INTO run FROM runs WHERE id = p_run FOR UPDATE;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF conversation.id IS NULL OR run.id IS NULL OR turn.run_id IS NULL THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_next IS NOT NULL AND (conversation.last_seq <> p_known_seq OR run.cancel_requested_at IS NOT NULL
    OR run.status <> 'running' OR (p_next ? 'end' AND EXISTS (
      SELECT FROM runs r WHERE r.conversation_id = p_conversation AND r.status = 'pending'))
    OR (p_next ? 'turns' AND run_waits_for_files(p_run, p_file_wait_ms))) THEN
    outcome := 'changed';
    RETURN NEXT;
    RETURN;
  END IF;

  title_wanted := p_gives_titles AND p_text <> '' AND p_status = 'completed' AND conversation.title IS NULL
    AND conversation.title_attempts = 0 AND conversation.title_due_at IS NULL;
  UPDATE conversations c SET last_seq = c.last_seq + (p_text <> '')::integer, version = c.version + 1, updated_at = now(),
    title_due_at = CASE WHEN title_wanted THEN clock_timestamp() ELSE c.title_due_at END
  WHERE c.id = p_conversation RETURNING c.version INTO version;
  IF p_text <> '' THEN
    INSERT INTO messages (id, conversation_id, seq, role, agent_id, agent_name, content, status, run_id, turn)
    VALUES (p_message, p_conversation, conversation.last_seq + 1, 'agent', p_agent,
      (SELECT a.name FROM agents a WHERE a.id = p_agent), p_text,
      CASE p_status WHEN 'completed' THEN 'complete' ELSE p_status END, p_run, p_turn)
    RETURNING * INTO said;
    -- The text is not sent back to whoever has just sent it.
    message := json_build_object('id', said.id, 'seq', said.seq, 'agentName', said.agent_name, 'status', said.status,
      'createdAt', said.created_at);
  END IF;
  UPDATE turns t SET status = p_status, passed = p_passed, message_id = said.id, seen_seq = p_seen_seq,
    prompt_version = p_prompt_version, ended_by = p_ended_by, error_code = p_error_code, error_message = p_error_message,
    claim_token = NULL, lease_until = NULL, finished_at = now()
  WHERE t.run_id = p_run AND t.index = p_turn;
  PERFORM tool_close(p_run, p_turn);

  IF p_next ? 'turns' THEN
    INSERT INTO turns (run_id, index, user_id, agent_id, step, kind, status)
    SELECT p_run, p_turn + n.position, run.user_id, (n.turn->>'agentId')::uuid, (p_next->>'step')::integer,
      n.turn->>'kind', 'queued'
    FROM jsonb_array_elements(p_next->'turns') WITH ORDINALITY AS n (turn, position);
  ELSIF p_next ? 'end' THEN
    UPDATE runs r SET status = p_next->'end'->>'status', stop_reason = p_next->'end'->>'stopReason',
      error_code = p_next->'end'->'error'->>'code', error_message = p_next->'end'->'error'->>'message', finished_at = now()
    WHERE r.id = p_run;
  END IF;

  -- Last, so that the account is locked for as short as can be: all of a user's turns meet there.
  --
  -- An attempt that broke off while it took its hold does not know of it.
  IF p_hold IS NULL THEN
    SELECT h.id INTO p_hold FROM holds h WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending' FOR UPDATE;
  END IF;
  IF p_hold IS NOT NULL OR jsonb_array_length(p_calls) > 0 THEN
    SELECT * INTO money FROM ledger_charge(run.user_id, p_hold, p_run, p_turn, turn.attempt, p_calls, p_extend_entry,
      p_extend_key, p_release_entry);
    IF money.charged IS NULL THEN
      RAISE EXCEPTION 'the hold of turn %/% is resolved already, or its user has no account', p_run, p_turn
        USING ERRCODE = 'CP001';
    END IF;
  ELSE
    SELECT 0::bigint AS charged, 0::bigint AS released, 0::bigint AS lost, coalesce(a.available, 0) AS available,
      coalesce(a.held, 0) AS held INTO money
    FROM (SELECT) AS one LEFT JOIN accounts a ON a.user_id = run.user_id;
  END IF;
  IF jsonb_array_length(p_lost) > 0 THEN PERFORM ledger_lose(p_lost); END IF;

  IF p_next ? 'end' THEN SELECT row_to_json(v) INTO view FROM run_views(ARRAY[p_run]) v; END IF;
  IF p_next IS NOT NULL THEN
    SELECT coalesce(json_agg(d), '[]') INTO dispatches FROM turns_admit(run.user_id, p_cap) d;
  END IF;
  outcome := 'settled';
  charged := money.charged;
  released := money.released;
  lost := money.lost;
  available := money.available;
  held := money.held;
  RETURN NEXT;
END $$;
`

const BEFORE = `
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

CREATE OR REPLACE FUNCTION turn_settle(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_status text, p_agent uuid,
  p_message uuid, p_text text, p_passed boolean, p_seen_seq integer, p_prompt_version text, p_ended_by text,
  p_error_code text, p_error_message text, p_hold uuid, p_calls jsonb, p_lost jsonb, p_extend_entry uuid, p_extend_key text,
  p_release_entry uuid, p_gives_titles boolean, p_known_seq integer, p_next jsonb, p_cap integer, p_file_wait_ms integer)
RETURNS TABLE (outcome text, message json, charged bigint, released bigint, lost bigint, available bigint, held bigint,
  version bigint, title_wanted boolean, dispatches json, view json) LANGUAGE plpgsql AS $$
DECLARE
  conversation conversations;
  run runs;
  turn turns;
  money record;
  said messages;
BEGIN
  SELECT * INTO conversation FROM conversations WHERE id = p_conversation FOR UPDATE;
  SELECT * INTO run FROM runs WHERE id = p_run FOR UPDATE;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF conversation.id IS NULL OR run.id IS NULL OR turn.run_id IS NULL THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_next IS NOT NULL AND (conversation.last_seq <> p_known_seq OR run.cancel_requested_at IS NOT NULL
    OR run.status <> 'running' OR (p_next ? 'end' AND EXISTS (
      SELECT FROM runs r WHERE r.conversation_id = p_conversation AND r.status = 'pending'))
    OR (p_next ? 'turns' AND run_waits_for_files(p_run, p_file_wait_ms))) THEN
    outcome := 'changed';
    RETURN NEXT;
    RETURN;
  END IF;

  title_wanted := p_gives_titles AND p_text <> '' AND p_status = 'completed' AND conversation.title IS NULL
    AND conversation.title_attempts = 0 AND conversation.title_due_at IS NULL;
  UPDATE conversations c SET last_seq = c.last_seq + (p_text <> '')::integer, version = c.version + 1, updated_at = now(),
    title_due_at = CASE WHEN title_wanted THEN clock_timestamp() ELSE c.title_due_at END
  WHERE c.id = p_conversation RETURNING c.version INTO version;
  IF p_text <> '' THEN
    INSERT INTO messages (id, conversation_id, seq, role, agent_id, agent_name, content, status, run_id, turn)
    VALUES (p_message, p_conversation, conversation.last_seq + 1, 'agent', p_agent,
      (SELECT a.name FROM agents a WHERE a.id = p_agent), p_text,
      CASE p_status WHEN 'completed' THEN 'complete' ELSE p_status END, p_run, p_turn)
    RETURNING * INTO said;
    -- The text is not sent back to whoever has just sent it.
    message := json_build_object('id', said.id, 'seq', said.seq, 'agentName', said.agent_name, 'status', said.status,
      'createdAt', said.created_at);
  END IF;
  UPDATE turns t SET status = p_status, passed = p_passed, message_id = said.id, seen_seq = p_seen_seq,
    prompt_version = p_prompt_version, ended_by = p_ended_by, error_code = p_error_code, error_message = p_error_message,
    claim_token = NULL, lease_until = NULL, finished_at = now()
  WHERE t.run_id = p_run AND t.index = p_turn;

  IF p_next ? 'turns' THEN
    INSERT INTO turns (run_id, index, user_id, agent_id, step, kind, status)
    SELECT p_run, p_turn + n.position, run.user_id, (n.turn->>'agentId')::uuid, (p_next->>'step')::integer,
      n.turn->>'kind', 'queued'
    FROM jsonb_array_elements(p_next->'turns') WITH ORDINALITY AS n (turn, position);
  ELSIF p_next ? 'end' THEN
    UPDATE runs r SET status = p_next->'end'->>'status', stop_reason = p_next->'end'->>'stopReason',
      error_code = p_next->'end'->'error'->>'code', error_message = p_next->'end'->'error'->>'message', finished_at = now()
    WHERE r.id = p_run;
  END IF;

  -- Last, so that the account is locked for as short as can be: all of a user's turns meet there.
  --
  -- An attempt that broke off while it took its hold does not know of it.
  IF p_hold IS NULL THEN
    SELECT h.id INTO p_hold FROM holds h WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending' FOR UPDATE;
  END IF;
  IF p_hold IS NOT NULL OR jsonb_array_length(p_calls) > 0 THEN
    SELECT * INTO money FROM ledger_charge(run.user_id, p_hold, p_run, p_turn, turn.attempt, p_calls, p_extend_entry,
      p_extend_key, p_release_entry);
    IF money.charged IS NULL THEN
      RAISE EXCEPTION 'the hold of turn %/% is resolved already, or its user has no account', p_run, p_turn
        USING ERRCODE = 'CP001';
    END IF;
  ELSE
    SELECT 0::bigint AS charged, 0::bigint AS released, 0::bigint AS lost, coalesce(a.available, 0) AS available,
      coalesce(a.held, 0) AS held INTO money
    FROM (SELECT) AS one LEFT JOIN accounts a ON a.user_id = run.user_id;
  END IF;
  IF jsonb_array_length(p_lost) > 0 THEN PERFORM ledger_lose(p_lost); END IF;

  IF p_next ? 'end' THEN SELECT row_to_json(v) INTO view FROM run_views(ARRAY[p_run]) v; END IF;
  IF p_next IS NOT NULL THEN
    SELECT coalesce(json_agg(d), '[]') INTO dispatches FROM turns_admit(run.user_id, p_cap) d;
  END IF;
  outcome := 'settled';
  charged := money.charged;
  released := money.released;
  lost := money.lost;
  available := money.available;
  held := money.held;
  RETURN NEXT;
END $$;
`

export class CloseToolCalls1790000006720 implements MigrationInterface {
  name = 'CloseToolCalls1790000006720'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(TURNS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
