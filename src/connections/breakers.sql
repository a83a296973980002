-- Circuit breakers, shared by the fleet: a row for a connection, a host or a model of a connection that is in trouble, none for what is
-- well. Open until `open_until`; then half open: one call probes until `probe_until`, and its success deletes the rows. Time is the
-- database's clock_timestamp().

-- Whom the breakers of a connection know: itself, and its host. Users' calls never open a host for the platform's connections.
CREATE FUNCTION breaker_subjects(p_id uuid, p_user uuid, p_provider text, p_base_url text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY[p_id::text, CASE WHEN p_user IS NULL THEN 'platform ' ELSE 'own ' END
    || coalesce(lower(substring(p_base_url FROM '^[A-Za-z]+://([^/?#]+)')), p_provider)]
$$;

-- What of a connection is limited (429) by itself: one of its models. Null where the model is.
CREATE FUNCTION model_subject(p_id uuid, p_model text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT p_id::text || ' ' || p_model
$$;

-- Whom the breakers of a call know: a connection, its host, and the model.
CREATE FUNCTION call_subjects(p_id uuid, p_user uuid, p_provider text, p_base_url text, p_model text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT breaker_subjects(p_id, p_user, p_provider, p_base_url) || model_subject(p_id, p_model)
$$;

-- Connections that this user may use and that nobody may call now: open, or being probed.
CREATE FUNCTION connections_held(p_user uuid) RETURNS TABLE (id uuid) LANGUAGE sql STABLE AS $$
  SELECT c.id FROM connections c
  WHERE EXISTS (SELECT FROM breakers) AND (c.user_id = p_user OR c.user_id IS NULL) AND EXISTS (
    SELECT FROM breakers b WHERE b.subject = ANY(breaker_subjects(c.id, c.user_id, c.provider, c.base_url))
      AND b.holds AND greatest(b.open_until, b.probe_until) > clock_timestamp())
$$;

-- Whether nobody may call this model of a connection now, whatever the others may be asked.
CREATE FUNCTION model_held(p_connection uuid, p_model text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM breakers b WHERE b.subject = model_subject(p_connection, p_model)
    AND b.holds AND greatest(b.open_until, b.probe_until) > clock_timestamp())
$$;

-- Whether this user's call of this model of a connection has to wait: one or the other is held.
CREATE FUNCTION call_held(p_user uuid, p_connection uuid, p_model text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT model_held(p_connection, p_model) OR EXISTS (SELECT FROM connections_held(p_user) h WHERE h.id = p_connection)
$$;

-- Asks to call a model of a connection. Null: go ahead (where it was half open, as its probe, for p_probe_ms); else when to ask again.
CREATE FUNCTION breaker_enter(p_connection uuid, p_model text, p_probe_ms integer) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  subjects text[];
  wait timestamptz;
BEGIN
  IF NOT EXISTS (SELECT FROM breakers) THEN RETURN NULL; END IF;
  SELECT call_subjects(c.id, c.user_id, c.provider, c.base_url, p_model) INTO subjects FROM connections c
  WHERE c.id = p_connection;
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

-- Notes that a call failed. A limit (429) opens the model of the connection at once, for p_wait_ms: its other models may be asked. An
-- outage opens the connection after p_threshold failures in a row, for p_open_ms, twice as long each time up to p_most_ms. A connection that opens counts for its host, which
-- opens in the same way after p_threshold of them; of users' own ones they must be of as many users, so that nobody closes a host to
-- the others by connections of theirs that fail on purpose. What fails while it is open opens nothing anew: calls of before end one by
-- one. p_holds: whoever wants to call waits; else is refused. Answers until when the call's way is open; null while it is not.
CREATE FUNCTION breaker_failed(p_connection uuid, p_model text, p_code text, p_is_limit boolean, p_wait_ms integer,
  p_threshold integer, p_open_ms integer, p_most_ms integer, p_holds boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  subjects text[];
  wanted text;
  breaker breakers;
  until timestamptz;
BEGIN
  SELECT CASE WHEN p_is_limit THEN ARRAY[coalesce(model_subject(c.id, p_model), c.id::text)]
    ELSE breaker_subjects(c.id, c.user_id, c.provider, c.base_url) END INTO subjects
  FROM connections c WHERE c.id = p_connection;
  -- A probe that failed is over, whatever it failed of: the next call tries what else this one was to try.
  UPDATE breakers b SET probe_until = NULL FROM connections c
  WHERE c.id = p_connection AND b.probe_until > clock_timestamp()
    AND b.subject = ANY(call_subjects(c.id, c.user_id, c.provider, c.base_url, p_model));
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
    EXIT WHEN wanted LIKE 'own %' AND breaker.open_until IS NULL AND p_threshold > (
      SELECT count(DISTINCT c.user_id) FROM breakers o JOIN connections c ON c.id::text = o.subject
      WHERE o.open_until IS NOT NULL AND (breaker_subjects(c.id, c.user_id, c.provider, c.base_url))[2] = wanted);
    UPDATE breakers b SET opens = b.opens + 1, probe_until = NULL, open_until = clock_timestamp() + greatest(p_wait_ms,
      CASE WHEN p_is_limit THEN 0 ELSE least(p_open_ms * power(2, least(b.opens, 16)), p_most_ms) END) * interval '1 millisecond'
    WHERE b.subject = wanted RETURNING * INTO breaker;
    until := greatest(until, breaker.open_until);
    -- One connection counts once for its host, but for a host that is open already.
    EXIT WHEN p_is_limit OR (breaker.opens > 1
      AND NOT EXISTS (SELECT FROM breakers h WHERE h.subject = subjects[2] AND h.open_until IS NOT NULL));
  END LOOP;
  RETURN until;
END $$;

-- What the version before this one calls, whose workers may still run beside this one's: a limit is one of all models. It goes with the next.
CREATE FUNCTION breaker_failed(p_connection uuid, p_code text, p_is_limit boolean, p_wait_ms integer, p_threshold integer,
  p_open_ms integer, p_most_ms integer, p_holds boolean) RETURNS timestamptz LANGUAGE sql AS $$
  SELECT breaker_failed(p_connection, NULL, p_code, p_is_limit, p_wait_ms, p_threshold, p_open_ms, p_most_ms, p_holds)
$$;

-- Notes that a call was answered: its connection, that one's host and the model are well.
CREATE FUNCTION breaker_closed(p_connection uuid, p_model text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM breakers b USING connections c
  WHERE c.id = p_connection AND b.subject = ANY(call_subjects(c.id, c.user_id, c.provider, c.base_url, p_model))
$$;

-- What the version before this one calls, which does not say what model: one that may be tried is well then. It goes with the next.
CREATE FUNCTION breaker_closed(p_connection uuid) RETURNS void LANGUAGE sql AS $$
  DELETE FROM breakers b USING connections c
  WHERE c.id = p_connection AND (b.subject = ANY(breaker_subjects(c.id, c.user_id, c.provider, c.base_url))
    OR (starts_with(b.subject, c.id::text || ' ') AND b.open_until <= clock_timestamp()))
$$;

-- What is known to be wrong with the connection or the model of some terms (as `agent_terms` answers them); null where it is well.
CREATE FUNCTION connection_trouble(p_terms json) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('isOpen', bool_or(b.open_until > clock_timestamp()), 'code', min(b.code)) FROM breakers b
  WHERE b.subject = ANY(call_subjects((p_terms->'connection'->>'id')::uuid, (p_terms->'connection'->>'user_id')::uuid,
    p_terms->'connection'->>'provider', p_terms->'connection'->>'base_url', p_terms->>'model'))
  HAVING count(*) > 0
$$;
