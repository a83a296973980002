import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As it is at this migration. Today's, and what it does, is in `src/connections/breakers.sql`. */
const FAILED = `
CREATE OR REPLACE FUNCTION breaker_failed(p_connection uuid, p_code text, p_is_limit boolean, p_wait_ms integer, p_threshold integer,
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
    EXIT WHEN wanted LIKE 'own %' AND breaker.open_until IS NULL AND p_threshold > (
      SELECT count(DISTINCT c.user_id) FROM breakers o JOIN connections c ON c.id::text = o.subject
      WHERE o.open_until IS NOT NULL AND (breaker_subjects(c.id, c.user_id, c.provider, c.base_url))[2] = wanted);
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
`

/** As it was before. */
const FAILED_BEFORE = `
CREATE OR REPLACE FUNCTION breaker_failed(p_connection uuid, p_code text, p_is_limit boolean, p_wait_ms integer, p_threshold integer,
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
`

/** One user's connections no longer open the breaker of a host for all others. */
export class CountUsersOfHosts1790000004660 implements MigrationInterface {
  name = 'CountUsersOfHosts1790000004660'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FAILED)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FAILED_BEFORE)
  }
}
