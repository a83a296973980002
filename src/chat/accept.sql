-- Accepts a message, all in one transaction and one round trip: conversation, message, run (or the words join the one that is
-- active), first turn, idempotency key, admission to the queue.
--
-- Answers `accepted` with what was written; `repeated` with the response that was given to this key before; `conflict` when
-- the key was used with another body; `busy` with the active run's id; `conversation_gone`; or `files_gone`. In all but the
-- first case nothing is written. p_conversation is a new one's id where p_is_new; p_first: [{"agentId", "kind"}], the
-- speakers of the run's first step, should it begin at once; a run whose files are still read waits instead.
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

-- Whether this user, who may have p_most of them, may begin another conversation; to be asked in the statement that begins it, for the
-- lock makes others wait until its commit. Yes also for a request that was accepted before under its key: it begins none.
CREATE FUNCTION conversations_free(p_user uuid, p_most integer, p_route text, p_key text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(404, uuid_hash(p_user));
  RETURN EXISTS (SELECT FROM idempotency_keys k WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key)
    OR (SELECT count(*) FROM (SELECT FROM conversations c WHERE c.user_id = p_user LIMIT p_most) one) < p_most;
END $$;

-- Takes a message's piece of its sender's day, in milliseconds; to be asked in the statement that writes the message. Raises CP003, and with
-- it nothing is written, when more than a day would be taken: its detail says for how many milliseconds too much.
CREATE FUNCTION messages_take(p_user uuid, p_cost_ms double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  over_ms double precision;
BEGIN
  INSERT INTO message_budgets AS b (user_id, taken_until) VALUES (p_user, now() + p_cost_ms * interval '1 millisecond')
  ON CONFLICT (user_id) DO UPDATE SET taken_until = greatest(b.taken_until, now()) + p_cost_ms * interval '1 millisecond'
  RETURNING extract(epoch FROM b.taken_until - now() - interval '1 day') * 1000 INTO over_ms;
  IF over_ms > 0 THEN
    RAISE EXCEPTION 'user % has sent enough for now', p_user USING ERRCODE = 'CP003', DETAIL = over_ms::text;
  END IF;
END $$;
