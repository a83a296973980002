-- The tool ledger: a turn that uses tools, step by step, and each of its calls once. The functions are a round trip each; the
-- worker's are fenced by the turn's claim token. Locks are taken in the engine's order: conversation, run, turn, hold, account.
--
--   planned ──────────────────────┐
--   awaiting ── approved ─────────┴─▶ started ──▶ done | failed
--      │  ▲                              │ worker died
--      │  └── asked again, in doubt ◀────┼──▶ planned (reads, or takes our key: it is started again with the same key)
--      ▼                                 └──▶ unknown
--   denied | expired | cancelled                     the last line, done, failed and unknown are final

-- A turn's steps and calls so far, ascending.
CREATE FUNCTION tool_state(p_run uuid, p_turn integer) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'steps', (SELECT coalesce(json_agg(json_build_object('step', s.step, 'text', s.text, 'thoughts', s.thoughts) ORDER BY s.step), '[]')
      FROM tool_steps s WHERE s.run_id = p_run AND s.turn = p_turn),
    'calls', (SELECT coalesce(json_agg(row_to_json(c) ORDER BY c.call), '[]')
      FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn),
    'paid', (SELECT json_build_object('credits', coalesce(sum(m.charged), 0)::text, 'inputTokens', coalesce(sum(m.input_tokens), 0),
        'cachedInputTokens', coalesce(sum(m.cached_input_tokens), 0), 'cacheWriteTokens', coalesce(sum(m.cache_write_tokens), 0),
        'outputTokens', coalesce(sum(m.output_tokens), 0), 'reasoningTokens', coalesce(sum(m.reasoning_tokens), 0),
        'estimated', coalesce(bool_or(m.estimated), false))
      FROM metered_calls m WHERE m.run_id = p_run AND m.turn = p_turn AND m.outcome = 'charged' AND m.purpose <> 'supervise'))
$$;

-- Commits a step of a turn: what its model call said, used and cost, and the calls that it asks for. From then on neither the model
-- call is made again, nor is anything of it paid twice. p_planned: rows of `tool_calls`, without what is said here. Answers
-- `committed`, or `lost` when the claim is another's.
CREATE FUNCTION tool_step(p_run uuid, p_turn integer, p_token uuid, p_step integer, p_text text, p_thoughts jsonb,
  p_planned jsonb, p_approval_ms bigint, p_hold uuid, p_calls jsonb, p_extend_entry uuid, p_extend_key text, p_release_entry uuid)
RETURNS TABLE (outcome text, available bigint, held bigint) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  money record;
BEGIN
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  -- What was noted of the call is over with it.
  UPDATE turns t SET quote = NULL WHERE t.run_id = p_run AND t.index = p_turn;
  INSERT INTO tool_steps (run_id, turn, step, user_id, text, thoughts)
  VALUES (p_run, p_turn, p_step, turn.user_id, p_text, p_thoughts);
  INSERT INTO tool_calls (id, run_id, turn, call, step, user_id, agent_id, provider_call_id, provider_data, source, server_id, source_name, name,
    title, definition_hash, effect, keyed, on_unknown, args, input_schema, status, result, error_code, expires_at, ended_at)
  SELECT p.id, p_run, p_turn, p.call, p_step, turn.user_id, turn.agent_id, p.provider_call_id, p.provider_data, p.source, p.server_id, p.source_name, p.name,
    p.title, p.definition_hash, p.effect, p.keyed, p.on_unknown, p.args, p.input_schema, p.status, p.result, p.error_code,
    CASE p.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    CASE WHEN p.status NOT IN ('planned', 'awaiting') THEN clock_timestamp() END
  FROM jsonb_to_recordset(p_planned) AS p (id uuid, call integer, provider_call_id text, provider_data jsonb, source text,
    server_id uuid, source_name text, name text, title text, definition_hash text, effect text, keyed boolean, on_unknown text,
    args jsonb, input_schema jsonb, status text, result text, error_code text);
  SELECT * INTO money FROM ledger_charge(turn.user_id, p_hold, p_run, p_turn, turn.attempt, p_calls, p_extend_entry, p_extend_key,
    p_release_entry);
  IF money.charged IS NULL THEN
    RAISE EXCEPTION 'the hold of turn %/% is resolved already, or its user has no account', p_run, p_turn
      USING ERRCODE = 'CP001';
  END IF;
  outcome := 'committed';
  available := money.available;
  held := money.held;
  RETURN NEXT;
END $$;

-- What a turn goes on from that has no steps yet, in a run that holds another one once more: what the same speaker has said and done there, in the
-- turn of theirs that this one stands for, where a tool that writes was started in it; else it begins anew. A run may be held again that
-- was, and not all of its turns have come so far: the last one that did counts. An answer of a form that was to be repaired is left behind.
-- A call of its last step of which nobody knows how it ended, and nobody has judged since, is as one that a dead attempt has left: `tool_resume`
-- decides on it. What has come from run to run is as old as it was in the first, also where an older release has made copies of their own age.
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
END $$;

-- What an attempt goes on from: the turn's steps and calls. Calls that were started and have no end are decided on here. What only reads, or
-- takes our key, is planned again: as often as its turn is tried, where the attempt died that had started it, for that says nothing of its
-- tool; where this one got no answer, until there were p_most_unanswered of them. Not with a key of more than p_key_ms ago, which
-- its server may have forgotten: none is older than its row, or the last word on it; nor what an earlier run had started, without
-- p_same_key: whoever does not say that is of a release that gives it the key of its copy, with which the deed would be done twice. Of the
-- rest a person is asked, with which the count begins anew, or the outcome is unknown. What nobody decided in time has expired. Answers
-- `resumed` with the state, or `lost`.
CREATE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_unanswered integer, p_approval_ms bigint,
  p_key_ms bigint DEFAULT 82800000, p_same_key boolean DEFAULT FALSE)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
DECLARE
  present integer;
BEGIN
  SELECT t.attempt INTO present FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM tool_inherit(p_run, p_turn);
  UPDATE tool_calls c SET status = n.status, doubt = c.doubt OR NOT n.harmless OR n.status = 'awaiting',
    unanswered = CASE n.status WHEN 'awaiting' THEN 0 ELSE n.unanswered END,
    expires_at = CASE n.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    decided_by = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_by END,
    decided_at = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_at END,
    ended_at = CASE n.status WHEN 'unknown' THEN clock_timestamp() END
  FROM (SELECT o.call, o.was, o.harmless, o.unanswered, CASE WHEN o.harmless AND o.unanswered < p_most_unanswered THEN 'planned'
      WHEN o.effect = 'writes' AND o.on_unknown = 'ask' THEN 'awaiting' ELSE 'unknown' END AS status
    FROM (SELECT s.call, s.status AS was, s.effect, s.on_unknown,
        s.unanswered + (s.status = 'started' AND s.attempt IS NOT DISTINCT FROM present)::integer AS unanswered, s.effect = 'reads' OR (s.keyed
          AND (p_same_key OR s.inherited_from IS NULL)
          AND greatest(s.created_at, s.decided_at) > clock_timestamp() - p_key_ms * interval '1 millisecond') AS harmless
      FROM tool_calls s WHERE s.run_id = p_run AND s.turn = p_turn
        AND (s.status = 'started' OR (s.status = 'planned' AND s.starts > 0))) o) n
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = n.call AND c.status = n.was;
  UPDATE tool_calls c SET status = CASE WHEN c.doubt THEN 'unknown' ELSE 'expired' END, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$;

-- Notes that a call is about to be made, before it is. What its owner says of the tool holds as it is now, whatever it was when the call was
-- planned; p_default is what holds where the owner says nothing, `allow` or `ask`. Answers `started`; `lost`; `stopping` where the run is to
-- stop: nothing begins any more; `over` where its state is another; `gone`, `changed` or `denied`: the agent is without the tool, has it as it was
-- not allowed, or is not to use it; `asks`: nobody was asked yet, and it awaits a decision from now on; `limited` where the user's calls of
-- this tool within a minute are as many as p_per_minute; for one that somebody has approved within p_keep_ms, or that was started within it and is
-- started again, that is `later`, with the milliseconds until there is room again: a limit of ours neither uses an approval up nor leaves an outcome unknown.
CREATE FUNCTION tool_start(p_run uuid, p_turn integer, p_token uuid, p_call integer, p_per_minute integer, p_default text,
  p_approval_ms bigint, p_keep_ms bigint) RETURNS TABLE (outcome text, retry_in_ms integer) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  asked tool_calls;
  tools jsonb;
  choice jsonb;
  is_same boolean;
  is_approved boolean;
  lately record;
BEGIN
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR SHARE;
  SELECT * INTO asked FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call FOR UPDATE;
  outcome := CASE WHEN turn.run_id IS NULL THEN 'lost'
    WHEN EXISTS (SELECT FROM runs r WHERE r.id = p_run AND r.cancel_requested_at IS NOT NULL) THEN 'stopping'
    WHEN asked.status IS NULL OR asked.status NOT IN ('planned', 'approved') THEN 'over' END;
  IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;
  -- Counting and starting are one step, or several that start at once exceed the limit.
  PERFORM pg_advisory_xact_lock(405, uuid_hash(turn.user_id));
  -- What is judged by stays as it is until this has started: a change that is committed is known to every later start.
  SELECT a.tools INTO tools FROM agents a WHERE a.id = turn.agent_id AND a.deleted_at IS NULL FOR SHARE;
  SELECT o.choice INTO choice FROM jsonb_array_elements(tools) AS o (choice)
  WHERE o.choice->>'name' = asked.source_name AND o.choice->>'serverId' IS NOT DISTINCT FROM asked.server_id::text;
  is_same := choice IS NOT NULL;
  IF is_same AND asked.source = 'mcp' THEN
    SELECT t.allowed_hash = t.seen_hash AND t.allowed_hash IS NOT DISTINCT FROM asked.definition_hash INTO is_same
    FROM mcp_servers s JOIN mcp_tools t ON t.server_id = s.id AND t.name = asked.source_name AND t.vanished_at IS NULL
    WHERE s.id = asked.server_id AND s.user_id = turn.user_id AND s.enabled AND t.allowed_hash IS NOT NULL
    FOR SHARE;
    IF is_same IS NULL THEN choice := NULL; END IF;
  END IF;
  is_approved := asked.status = 'approved' OR asked.decided_by IS NOT NULL;
  outcome := CASE WHEN choice IS NULL THEN 'gone' WHEN NOT is_same THEN 'changed' WHEN choice->>'policy' = 'deny' THEN 'denied' END;
  IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;
  IF coalesce(choice->>'policy', p_default) = 'ask' AND NOT is_approved THEN
    UPDATE tool_calls c SET status = 'awaiting', doubt = c.doubt OR (c.starts > 0 AND c.effect = 'writes'),
      expires_at = clock_timestamp() + p_approval_ms * interval '1 millisecond'
    WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call;
    outcome := 'asks';
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT count(*) AS starts, min(l.started_at) AS first INTO lately
  FROM (SELECT c.started_at FROM tool_calls c WHERE c.user_id = turn.user_id AND c.started_at > clock_timestamp() - interval '1 minute'
      -- What an earlier run has started counts there.
      AND c.name = asked.name AND (c.inherited_from IS NULL OR c.attempt IS NOT NULL) ORDER BY c.started_at DESC LIMIT p_per_minute) l;
  IF lately.starts >= p_per_minute THEN
    outcome := 'limited';
    IF greatest(CASE WHEN is_approved THEN asked.decided_at END, asked.started_at) > clock_timestamp() - p_keep_ms * interval '1 millisecond' THEN
      outcome := 'later';
      retry_in_ms := greatest(ceil(extract(epoch FROM lately.first + interval '1 minute' - clock_timestamp()) * 1000), 1);
    END IF;
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET status = 'started', starts = c.starts + 1, attempt = turn.attempt, started_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call;
  outcome := 'started';
  RETURN NEXT;
END $$;

-- Takes back that this attempt has started a call, of which it is known that a limit of ours kept it from being made: an approval of within
-- p_keep_ms stays one. False where there is none, or a later attempt has decided on the call.
CREATE FUNCTION tool_put_off(p_run uuid, p_turn integer, p_call integer, p_attempt integer, p_keep_ms bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE tool_calls c SET status = 'approved', starts = c.starts - 1, started_at = CASE WHEN c.starts > 1 THEN c.started_at END
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call AND c.status = 'started' AND c.attempt = p_attempt
    AND c.decided_by IS NOT NULL AND c.decided_at > clock_timestamp() - p_keep_ms * interval '1 millisecond';
  RETURN FOUND;
END $$;

-- Ends a call that is not made after all: its tool is gone, or was called too often. Answers `skipped`; `lost`; or `over` where its state
-- is another.
CREATE FUNCTION tool_skip(p_run uuid, p_turn integer, p_token uuid, p_call integer, p_status text, p_result text,
  p_error_code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR SHARE;
  IF NOT FOUND THEN RETURN 'lost'; END IF;
  UPDATE tool_calls c SET status = p_status, result = p_result, error_code = p_error_code, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call AND c.status IN ('planned', 'approved');
  RETURN CASE WHEN FOUND THEN 'skipped' ELSE 'over' END;
END $$;

-- Notes how a call ended that this attempt had started: also where the claim is lost by now, for nobody else knows. False where a
-- later attempt has decided on it before.
CREATE FUNCTION tool_end(p_run uuid, p_turn integer, p_call integer, p_attempt integer, p_status text, p_result text,
  p_error_code text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE tool_calls c SET status = p_status, result = p_result, error_code = p_error_code, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call AND c.status = 'started' AND c.attempt = p_attempt;
  RETURN FOUND;
END $$;

-- Gives a turn up until people have decided on its calls, or the time for that is over: then it is due; with p_later_ms, so much later,
-- because a limit of ours is in the way. No worker has it, and it has no place and holds nothing. Its run waits for people, unless siblings speak.
-- p_deadline_ms: how long the run has after that. Answers `waits` with the conversation's version; `decided` where nothing is to be waited
-- for any more, and the worker goes on; `stopping` where the run is to stop: nobody is asked any more; or `lost`.
CREATE FUNCTION tool_wait(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_deadline_ms bigint, p_later_ms integer)
RETURNS TABLE (outcome text, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  until timestamptz;
BEGIN
  PERFORM FROM conversations WHERE id = p_conversation FOR UPDATE;
  PERFORM FROM runs WHERE id = p_run FOR UPDATE;
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM runs r WHERE r.id = p_run AND r.cancel_requested_at IS NOT NULL) THEN
    outcome := 'stopping';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_later_ms IS NULL THEN
    SELECT max(c.expires_at) INTO until FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting';
  ELSE
    until := clock_timestamp() + p_later_ms * interval '1 millisecond';
  END IF;
  IF until IS NULL OR until <= clock_timestamp() THEN
    outcome := 'decided';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE turns t SET status = 'queued', claim_token = NULL, lease_until = NULL, quote = NULL, dispatched_at = NULL,
    dispatch = t.dispatch + 1, due_at = until, waits = t.waits + 1
  WHERE t.run_id = p_run AND t.index = p_turn;
  UPDATE runs r SET deadline_at = greatest(r.deadline_at, until + p_deadline_ms * interval '1 millisecond') WHERE r.id = p_run;
  PERFORM run_rests(p_run);
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = p_conversation
  RETURNING c.version INTO version;
  outcome := 'waits';
  RETURN NEXT;
END $$;

-- A run of which a turn waits for somebody's decision, and no other runs or is due, waits from now on, and its time stands still. What was put
-- off wakes it in its time. True where it waits, and did not before. Its lock is the caller's.
CREATE FUNCTION run_rests(p_run uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE runs r SET status = 'waiting', paused_at = clock_timestamp()
  WHERE r.id = p_run AND r.status = 'running'
    AND EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND t.status = 'queued' AND turn_awaits(t.run_id, t.index))
    AND NOT EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND (t.status = 'running'
      OR (t.status = 'queued' AND NOT (t.waits > 0 AND t.due_at > clock_timestamp()) AND NOT turn_awaits(t.run_id, t.index))));
  RETURN FOUND;
END $$;

-- Whether a turn waits for somebody's decision.
CREATE FUNCTION turn_awaits(p_run uuid, p_turn integer) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM tool_calls c WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting'
    AND c.expires_at > clock_timestamp())
$$;

-- Decides on a call, once. With the last one that its turn waited for the turn is due and its run goes on. p_args: null, or what is to be
-- asked for instead. p_was_started: whether it had been started before as far as whoever decides has seen: a word on whether to do
-- something is none on doing it again; p_started_at: when that was, in milliseconds as clients see it: nor is a word on doing it again one on
-- doing so once more. Answers `decided` with the run and the conversation's version; `missing`; `again` where who says yes does
-- not say to which question, and it is whether to do again what may be done; or `over` where it was decided before, has expired, or its run is
-- over or is to stop.
CREATE FUNCTION tool_decide(p_user uuid, p_id uuid, p_approved boolean, p_args jsonb, p_deadline_ms bigint,
  p_was_started boolean DEFAULT NULL, p_started_at timestamptz DEFAULT NULL)
RETURNS TABLE (outcome text, run_id uuid, conversation_id uuid, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  asked tool_calls;
  run runs;
BEGIN
  SELECT * INTO asked FROM tool_calls c WHERE c.id = p_id AND c.user_id = p_user;
  SELECT * INTO run FROM runs r WHERE r.id = asked.run_id;
  IF asked.id IS NULL OR run.id IS NULL THEN
    outcome := 'missing';
    RETURN NEXT;
    RETURN;
  END IF;
  run_id := run.id;
  conversation_id := run.conversation_id;
  PERFORM FROM conversations c WHERE c.id = run.conversation_id FOR UPDATE;
  SELECT * INTO run FROM runs r WHERE r.id = asked.run_id FOR UPDATE;
  PERFORM FROM turns t WHERE t.run_id = asked.run_id AND t.index = asked.turn FOR UPDATE;
  IF run.id IS NULL OR run.status IN ('completed', 'failed', 'cancelled') OR run.cancel_requested_at IS NOT NULL THEN
    outcome := 'over';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_approved AND p_was_started IS NULL AND EXISTS (SELECT FROM tool_calls c
    WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp() AND c.doubt) THEN
    outcome := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET decided_by = p_user, decided_at = clock_timestamp(), args = coalesce(p_args, c.args),
    edited = c.edited OR p_args IS NOT NULL,
    status = CASE WHEN p_approved THEN 'approved' WHEN c.doubt THEN 'unknown' ELSE 'denied' END,
    ended_at = CASE WHEN NOT p_approved THEN clock_timestamp() END
  WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp()
    AND (p_was_started IS NULL OR p_was_started = (c.started_at IS NOT NULL))
    AND (p_started_at IS NULL OR abs(extract(epoch FROM c.started_at - p_started_at)) < 0.002);
  IF NOT FOUND THEN
    outcome := 'over';
    RETURN NEXT;
    RETURN;
  END IF;
  IF NOT turn_awaits(asked.run_id, asked.turn) THEN
    UPDATE turns t SET due_at = clock_timestamp()
    WHERE t.run_id = asked.run_id AND t.index = asked.turn AND t.status = 'queued' AND t.waits > 0;
    -- No earlier than others of its calls can be decided on.
    UPDATE runs r SET deadline_at = p_deadline_ms * interval '1 millisecond' + greatest(clock_timestamp(),
        (SELECT max(c.expires_at) FROM tool_calls c WHERE c.run_id = asked.run_id AND c.status = 'awaiting')),
      status = CASE r.status WHEN 'waiting' THEN 'queued' ELSE r.status END,
      paused_ms = r.paused_ms + CASE WHEN r.paused_at IS NULL THEN 0 ELSE ceil(extract(epoch FROM clock_timestamp() - r.paused_at) * 1000) END,
      paused_at = NULL
    WHERE r.id = asked.run_id;
  END IF;
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = run.conversation_id
  RETURNING c.version INTO version;
  outcome := 'decided';
  RETURN NEXT;
END $$;

-- What is left open when a turn ends, or is never to run: what was started, now or before, has an unknown outcome, unless it only read.
CREATE FUNCTION tool_close(p_run uuid, p_turn integer) RETURNS void LANGUAGE sql AS $$
  UPDATE tool_calls c SET ended_at = clock_timestamp(),
    status = CASE WHEN c.starts > 0 AND c.effect = 'writes' THEN 'unknown' ELSE 'cancelled' END
  WHERE c.run_id = p_run AND (p_turn IS NULL OR c.turn = p_turn) AND c.status IN ('planned', 'awaiting', 'approved', 'started')
$$;
