-- The engine's hot path, a round trip each: claim (which also reads all that the turn needs), hold, decide, settle, admit.
-- Locks are taken in the order conversation, run, turn, hold, account, admission. What is rare (taking over from a dead
-- worker, a cancel, siblings of a panel, files that are still read) is done by the services in transactions of their own,
-- which call the same functions where they do the same.

-- What a run has been charged and what its pending holds reserve.
CREATE FUNCTION run_committed(p_run uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT ((SELECT coalesce(sum(c.charged), 0) FROM metered_calls c WHERE c.run_id = p_run AND c.outcome = 'charged')
    + (SELECT coalesce(sum(h.amount), 0) FROM holds h WHERE h.run_id = p_run AND h.status = 'pending'))::bigint
$$;

-- True while a run has a file to wait for: one that the user attached to its words less than p_wait_ms ago, and that is still
-- being read. A file that was deleted is not waited for.
CREATE FUNCTION run_waits_for_files(p_run uuid, p_wait_ms integer) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM messages m JOIN files f ON f.id = ANY(m.file_ids)
    WHERE m.run_id = p_run AND m.role = 'user' AND m.created_at > now() - p_wait_ms * interval '1 millisecond'
      AND f.status = 'processing')
$$;

-- Runs as clients see them, by id: what they see of the row, its turns ascending, and its receipt: sums over charged calls, and what lost
-- ones cost.
CREATE FUNCTION run_views(p_runs uuid[]) RETURNS TABLE (run json, turns json, receipt json) LANGUAGE sql STABLE AS $$
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
$$;

-- Which connection and model answer for an agent (its own, else the user's default, else the platform's), and what that costs
-- now (its own price, else the provider's '*', else '*' of all). Each is null where there is none. For guests the platform's demo
-- answers, whoever the agent is: they cost nobody anything.
CREATE FUNCTION agent_terms(p_user uuid, p_connection uuid, p_model text) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
  account connections;
  price price_versions;
  wanted text;
BEGIN
  IF is_guest(p_user) THEN
    SELECT * INTO account FROM connections c WHERE c.user_id IS NULL AND c.provider = 'demo' ORDER BY c.id LIMIT 1;
    wanted := account.model;
  ELSIF p_connection IS NULL THEN
    SELECT * INTO account FROM connections c
    WHERE (c.user_id = p_user OR c.user_id IS NULL) AND c.is_default ORDER BY c.user_id NULLS LAST LIMIT 1;
  ELSE
    SELECT * INTO account FROM connections c
    WHERE c.id = p_connection AND (c.user_id = p_user OR c.user_id IS NULL);
  END IF;
  IF account.id IS NULL THEN RETURN json_build_object('connection', NULL, 'model', NULL, 'price', NULL); END IF;
  wanted := coalesce(wanted, p_model, account.model);
  SELECT * INTO price FROM price_versions p
  WHERE p.effective_from <= now()
    AND (p.provider, p.model) IN ((account.provider, wanted), (account.provider, '*'), ('*', '*'))
  ORDER BY p.provider = '*', p.model = '*', p.effective_from DESC, p.version DESC LIMIT 1;
  RETURN json_build_object('connection', row_to_json(account), 'model', wanted,
    'price', CASE WHEN price.id IS NOT NULL THEN row_to_json(price) END);
END $$;

-- All that a turn needs to know: its run, the run's turns and participants, what was said, what waits, what there is to
-- spend, and the terms of its speaker (of the first participant where the speaker is still to be chosen). Null without a run.
CREATE FUNCTION turn_room(p_run uuid, p_turn integer, p_tokens integer, p_files integer) RETURNS json
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
END $$;

-- Claims a turn that is queued and due for one attempt. Answers `claimed` with the turn, the room, and the conversation's
-- version where clients see a difference; `lapsed` where a dead worker's lease has run out (nothing is written: taking over is
-- more than this); `later` with the milliseconds until it may be claimed; `waits` with the turn where it has lost its place: its
-- connection is held for so many milliseconds, and its fallback too, or it belongs into the other lane by now; `over` where
-- nothing is left to do. A run that is to stop is left to whoever stops it. p_probe_ms: so long may the one call take by which
-- a half-open breaker is tried.
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

-- Renews the leases of a worker's turns, all in one statement. Answers for each claim (by its token) whether it was renewed, or is
-- `busy`: somebody has its row locked at this moment, who must not be waited for with other rows locked; and whether the run is
-- to stop. A claim that is not answered is lost.
CREATE FUNCTION turns_renew(p_runs uuid[], p_turns integer[], p_tokens uuid[], p_lease_ms integer)
RETURNS TABLE (token uuid, busy boolean, is_to_stop boolean) LANGUAGE sql AS $$
  WITH claims AS (
    SELECT c.run, c.turn, c.token FROM unnest(p_runs, p_turns, p_tokens) AS c (run, turn, token)
  ), free AS MATERIALIZED (
    SELECT t.run_id, t.index FROM claims c JOIN turns t ON t.run_id = c.run AND t.index = c.turn
    WHERE t.claim_token = c.token AND t.status = 'running' FOR UPDATE OF t SKIP LOCKED
  ), renewed AS (
    UPDATE turns t SET lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
    FROM free f WHERE t.run_id = f.run_id AND t.index = f.index RETURNING t.claim_token
  )
  SELECT c.token, n.claim_token IS NULL, r.cancel_requested_at IS NOT NULL
  FROM claims c JOIN turns t ON t.run_id = c.run AND t.index = c.turn AND t.claim_token = c.token AND t.status = 'running'
    JOIN runs r ON r.id = c.run LEFT JOIN renewed n ON n.claim_token = c.token
$$;

-- The hold of the version before this one, whose workers may still run beside this one's; it goes with the next.
--
-- Takes the first, small hold of an attempt and notes the terms of its call beside it, for whoever finds the attempt dead.
-- Answers `held` with the hold's id, `credits_exhausted`, `max_credits` (siblings count together: the run's lock makes them ask one
-- after another), `other` while another claim's hold is pending, or `lost` when the claim is another's.
CREATE FUNCTION turn_hold(p_run uuid, p_turn integer, p_token uuid, p_quote jsonb, p_amount bigint, p_max_credits bigint,
  p_hold uuid, p_entry uuid) RETURNS TABLE (outcome text, hold_id uuid) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  is_over boolean := false;
BEGIN
  IF p_max_credits IS NOT NULL THEN
    PERFORM FROM runs WHERE id = p_run FOR UPDATE;
    is_over := run_committed(p_run) + p_amount > p_max_credits;
  END IF;
  UPDATE turns t SET quote = p_quote
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' RETURNING * INTO turn;
  IF NOT FOUND THEN
    outcome := 'lost';
  ELSIF is_over THEN
    outcome := 'max_credits';
  ELSE
    outcome := ledger_hold(p_hold, p_entry, turn.user_id, p_run, p_turn, turn.attempt, p_token, p_amount);
    hold_id := p_hold;
    IF outcome = 'repeated' THEN
      SELECT h.id INTO hold_id FROM holds h WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending';
      outcome := 'held';
    END IF;
  END IF;
  RETURN NEXT;
END $$;

-- What a user's calls on the platform's connections have cost the platform within the last day: calls of attempts that came to
-- nothing. Those of own connections cost their owners.
CREATE FUNCTION user_losses(p_user uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(c.amount - c.charged), 0)::bigint FROM metered_calls c
    JOIN connections n ON n.id = c.connection_id AND n.user_id IS NULL
  WHERE c.user_id = p_user AND c.charged < c.amount AND c.created_at > now() - interval '1 day'
$$;

-- Reserves what a call may cost, before its request, and notes the terms of the call beside it, for whoever finds the attempt
-- dead. p_amount is what its longest answer costs, p_least what the shortest does that is of use.
--
-- The turn is given less than p_amount where the run's own limit leaves less (p_max_credits: siblings count together, and the
-- run's lock makes them ask one after another), or where the account does not have as much for it and for each of the user's
-- other turns that are about to ask: then they share, and one more share is left for whoever comes later. is_short says that the
-- account was the reason; the budget of the run's API key, where it has less, stands for the account. p_loss_allowance null: what is lost with this call is not the platform's.
--
-- Answers `held` with the hold's id and amount, `credits_exhausted`, `max_credits`, `losses` (the user's calls have cost the
-- platform too much today), `other` while another claim's hold is pending, or `lost` when the claim is another's.
CREATE FUNCTION turn_reserve(p_run uuid, p_turn integer, p_token uuid, p_quote jsonb, p_least bigint, p_amount bigint,
  p_max_credits bigint, p_loss_allowance bigint, p_hold uuid, p_entry uuid)
RETURNS TABLE (outcome text, hold_id uuid, amount bigint, is_short boolean) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  room bigint := p_amount;
  free bigint;
  others integer;
  api_key uuid := budget_of(p_run, p_turn);
BEGIN
  IF p_max_credits IS NOT NULL THEN
    PERFORM FROM runs WHERE id = p_run FOR UPDATE;
    room := least(p_amount, p_max_credits - run_committed(p_run));
  END IF;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
  ELSIF room < p_least THEN
    outcome := 'max_credits';
  ELSIF p_loss_allowance IS NOT NULL AND user_losses(turn.user_id) >= p_loss_allowance THEN
    outcome := 'losses';
  ELSE
    -- Others may take what was seen to be free: then it is looked at again.
    FOR try IN 1..3 LOOP
      SELECT a.available INTO free FROM accounts a WHERE a.user_id = turn.user_id;
      IF api_key IS NOT NULL THEN free := least(free, budget_left(api_key, now())); END IF;
      amount := room;
      IF room > free / 16 THEN
        SELECT count(*) INTO others FROM turns o
        WHERE o.user_id = turn.user_id AND o.status IN ('queued', 'running') AND o.dispatched_at IS NOT NULL
          AND (o.run_id, o.index) <> (p_run, p_turn) AND NOT EXISTS (
            SELECT FROM holds h WHERE h.run_id = o.run_id AND h.turn = o.index AND h.status = 'pending');
        IF room > free / (1 + others) THEN amount := greatest(p_least, free / (2 + others)); END IF;
      END IF;
      is_short := amount < room;
      outcome := ledger_hold(p_hold, p_entry, turn.user_id, p_run, p_turn, turn.attempt, p_token, amount);
      EXIT WHEN outcome <> 'credits_exhausted' OR free IS NULL OR free < p_least;
    END LOOP;
    hold_id := p_hold;
    IF outcome = 'repeated' THEN
      SELECT h.id, h.amount INTO hold_id, amount FROM holds h
      WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending';
      is_short := amount < room;
      outcome := 'held';
    END IF;
    IF outcome = 'held' THEN
      UPDATE turns t SET quote = p_quote || jsonb_build_object('held', amount::text)
      WHERE t.run_id = p_run AND t.index = p_turn;
    END IF;
  END IF;
  RETURN NEXT;
END $$;

-- Commits who speaks before the speaker does, so that a retry keeps the speaker, and pays the decision once, from its hold, which
-- the speaker's follows. p_agent null: nobody
-- is to speak, unless the user has said something after p_seen_seq; then p_fallback speaks. Answers `decided` with the speaker and
-- the conversation's version, `nobody` (nothing is written: the turn's settlement pays), or `lost`.
CREATE FUNCTION turn_decide(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_agent uuid, p_fallback uuid,
  p_seen_seq integer, p_calls jsonb, p_extend_entry uuid, p_extend_key text, p_release_entry uuid)
RETURNS TABLE (outcome text, agent_id uuid, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  hold uuid;
  money record;
BEGIN
  PERFORM FROM conversations WHERE id = p_conversation FOR UPDATE;
  PERFORM FROM runs WHERE id = p_run FOR UPDATE;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_agent IS NULL AND NOT EXISTS (
    SELECT FROM messages m WHERE m.run_id = p_run AND m.role = 'user' AND m.seq > p_seen_seq) THEN
    outcome := 'nobody';
    RETURN NEXT;
    RETURN;
  END IF;
  agent_id := coalesce(p_agent, p_fallback);
  UPDATE turns t SET agent_id = turn_decide.agent_id, quote = NULL WHERE t.run_id = p_run AND t.index = p_turn;
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = p_conversation
  RETURNING c.version INTO version;
  SELECT h.id INTO hold FROM holds h WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending' FOR UPDATE;
  IF hold IS NOT NULL OR jsonb_array_length(p_calls) > 0 THEN
    PERFORM pg_advisory_xact_lock(400, uuid_hash(turn.user_id));
    IF EXISTS (SELECT FROM ledger_entries e WHERE e.key = 'post:' || (p_calls->0->>'key')) THEN
      PERFORM ledger_void(p_run, p_turn, p_release_entry);
    ELSE
      SELECT * INTO money FROM ledger_charge(turn.user_id, hold, p_run, p_turn, turn.attempt, p_calls, p_extend_entry,
        p_extend_key, p_release_entry);
      IF money.charged IS NULL THEN
        RAISE EXCEPTION 'the user of turn %/% has no account', p_run, p_turn USING ERRCODE = 'CP001';
      END IF;
    END IF;
  END IF;
  outcome := 'decided';
  RETURN NEXT;
END $$;

-- Ends an attempt: message, usage and price of every call, the hold's resolution, the turn's end; and, where the worker says
-- what follows (p_next), the next turns or the run's end, and the admission of what may run then.
--
-- p_next was computed from what the worker read when it claimed, for the last turn of the run: the next ones are numbered
-- behind it. It holds only while nothing was said (p_known_seq is the conversation's last) and nobody wants the run to stop;
-- otherwise nothing is written and the answer is `changed`: the caller then reads and decides in a transaction of its own,
-- without p_next. `lost`: the claim is another's.
--
-- p_calls and p_lost are rows of `metered_calls` as `ledger_charge` and `ledger_lose` take them.
-- p_next: {"turns": [{"agentId", "kind"}], "step"} or {"end": {"status", "stopReason", "error": {"code", "message"}}}.
CREATE FUNCTION turn_settle(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_status text, p_agent uuid,
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
