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

const ADMISSION_BEFORE = `
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
    await queryRunner.query('DROP FUNCTION turns_admit')
    await queryRunner.query(ADMISSION)
    await queryRunner.query(ROUTED)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TRIGGER turns_routed ON turns')
    await queryRunner.query('DROP FUNCTION turns_routed, turns_admit, lane_room, turn_route')
    await queryRunner.query(ADMISSION_BEFORE)
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
