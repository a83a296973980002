import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Who a guest is, and that the demo answers guests. Today's, and what they do, are in `guests.sql`, `turns.sql` and `admission.sql`. */
const FUNCTIONS = `
CREATE FUNCTION is_guest(p_user uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM users u WHERE u.id = p_user AND u.email_key IS NULL)
$$;

CREATE OR REPLACE FUNCTION agent_terms(p_user uuid, p_connection uuid, p_model text) RETURNS json LANGUAGE plpgsql STABLE AS $$
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

CREATE OR REPLACE FUNCTION turn_route(p_user uuid, p_agents uuid[])
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
`

const FUNCTIONS_BEFORE = `
CREATE OR REPLACE FUNCTION agent_terms(p_user uuid, p_connection uuid, p_model text) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
  account connections;
  price price_versions;
  wanted text;
BEGIN
  IF p_connection IS NULL THEN
    SELECT * INTO account FROM connections c
    WHERE (c.user_id = p_user OR c.user_id IS NULL) AND c.is_default ORDER BY c.user_id NULLS LAST LIMIT 1;
  ELSE
    SELECT * INTO account FROM connections c
    WHERE c.id = p_connection AND (c.user_id = p_user OR c.user_id IS NULL);
  END IF;
  IF account.id IS NULL THEN RETURN json_build_object('connection', NULL, 'model', NULL, 'price', NULL); END IF;
  wanted := coalesce(p_model, account.model);
  SELECT * INTO price FROM price_versions p
  WHERE p.effective_from <= now()
    AND (p.provider, p.model) IN ((account.provider, wanted), (account.provider, '*'), ('*', '*'))
  ORDER BY p.provider = '*', p.model = '*', p.effective_from DESC, p.version DESC LIMIT 1;
  RETURN json_build_object('connection', row_to_json(account), 'model', wanted,
    'price', CASE WHEN price.id IS NOT NULL THEN row_to_json(price) END);
END $$;

CREATE OR REPLACE FUNCTION turn_route(p_user uuid, p_agents uuid[])
RETURNS TABLE (lane text, connection_id uuid, fallback_id uuid, model text, fallback_model text) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN bool_or(c.user_id IS NOT NULL OR f.user_id IS NOT NULL) THEN 'own' ELSE 'platform' END,
    (array_agg(c.id ORDER BY p.position))[1], (array_agg(f.id ORDER BY p.position))[1],
    (array_agg(coalesce(a.model, c.model) ORDER BY p.position))[1],
    (array_agg(coalesce(a.fallback_model, f.model) ORDER BY p.position))[1]
  FROM unnest(p_agents) WITH ORDINALITY AS p (id, position) JOIN agents a ON a.id = p.id
    LEFT JOIN connections c ON c.id = coalesce(a.connection_id, (SELECT d.id FROM connections d
      WHERE a.connection_id IS NULL AND (d.user_id = p_user OR d.user_id IS NULL) AND d.is_default
      ORDER BY d.user_id NULLS LAST LIMIT 1))
    LEFT JOIN connections f ON f.id = a.fallback_connection_id
$$;
`

/**
 * Users without an e-mail address: guests. A guest has no password either, no second factor and no rights. Nothing is rewritten; the
 * checks read the users once.
 */
export class WelcomeGuests1790000006400 implements MigrationInterface {
  name = 'WelcomeGuests1790000006400'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE users ALTER COLUMN email DROP NOT NULL, ALTER COLUMN email_key DROP NOT NULL')
    await queryRunner.query(`
      ALTER TABLE users ADD CONSTRAINT users_guest_plain CHECK (email_key IS NOT NULL
        OR (email IS NULL AND email_verified_at IS NULL AND password_hash = '' AND role = 'user' AND totp_sealed IS NULL))`)
    await queryRunner.query('CREATE INDEX users_guests ON users (id) WHERE email_key IS NULL')
    await queryRunner.query(FUNCTIONS)
  }

  /** Guests stay as accounts that nobody can sign in to. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTIONS_BEFORE)
    await queryRunner.query('DROP FUNCTION is_guest')
    await queryRunner.query('DROP INDEX users_guests')
    await queryRunner.query('ALTER TABLE users DROP CONSTRAINT users_guest_plain')
    await queryRunner.query(
      `UPDATE users SET email = id || '@guest.invalid', email_key = id || '@guest.invalid' WHERE email_key IS NULL`,
    )
    await queryRunner.query('ALTER TABLE users ALTER COLUMN email SET NOT NULL, ALTER COLUMN email_key SET NOT NULL')
  }
}
