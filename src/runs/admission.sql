-- Who may have a place when. Turns on the platform's connections and those on users' own have places of their own (`lane`),
-- so that a user's server that never answers keeps nobody waiting who does not use one. Within a lane the places are shared.

-- Which connections and models a turn will call, and where it belongs. p_agents: its speaker, or all who may become it, the one whose
-- connection decides first. It is `own` where any of them may call a user's server.
CREATE FUNCTION turn_route(p_user uuid, p_agents uuid[])
RETURNS TABLE (lane text, connection_id uuid, fallback_id uuid, model text, fallback_model text) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN bool_or(c.user_id IS NOT NULL OR f.user_id IS NOT NULL) THEN 'own' ELSE 'platform' END,
    (array_agg(c.id ORDER BY p.position))[1], (array_agg(f.id ORDER BY p.position))[1],
    (array_agg(CASE WHEN g.is_guest THEN c.model ELSE coalesce(a.model, c.model) END ORDER BY p.position))[1],
    (array_agg(coalesce(a.fallback_model, f.model) ORDER BY p.position) FILTER (WHERE NOT g.is_guest))[1]
  FROM is_guest(p_user) AS g (is_guest), unnest(p_agents) WITH ORDINALITY AS p (id, position) JOIN agents a ON a.id = p.id
    LEFT JOIN connections c ON c.id = CASE
      WHEN is_guest(p_user) THEN (SELECT d.id FROM connections d WHERE d.user_id IS NULL AND d.provider = 'demo' ORDER BY d.id LIMIT 1)
      ELSE coalesce(a.connection_id, (SELECT d.id FROM connections d
        WHERE a.connection_id IS NULL AND (d.user_id = p_user OR d.user_id IS NULL) AND d.is_default
        ORDER BY d.user_id NULLS LAST LIMIT 1)) END
    LEFT JOIN connections f ON f.id = a.fallback_connection_id AND NOT is_guest(p_user)
$$;

-- Places of a lane, in the whole fleet, of which whoever has some may get more: the last quarter is left to those who have none.
-- Negative when more was let in.
CREATE FUNCTION lane_room(p_lane text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT (coalesce((SELECT ceil(sum(p.places) * 0.75) FROM worker_places p
      WHERE p.queue = CASE p_lane WHEN 'own' THEN 'turns-own' ELSE 'turns' END
        AND p.seen_at > clock_timestamp() - interval '30 seconds'), 150)
    - (SELECT count(*) FROM turns t
      WHERE t.lane = p_lane AND t.dispatched_at IS NOT NULL AND t.status IN ('queued', 'running')))::integer
$$;

-- Lets a user's oldest waiting turns into the queue while fewer than p_cap of theirs are there or running in their lane, and
-- answers them. Who has some already gets at most half of the room that there is: whoever comes next finds a place, and a share
-- shrinks as others come. A turn that is not due, or whose connection or model is held (and its fallback's), waits
-- without a place. The lock makes concurrent calls count one after another; a row that somebody has locked is left for the
-- next call.
CREATE FUNCTION turns_admit(p_user uuid, p_cap integer)
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
