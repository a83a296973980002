import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Terms and routes with models. Today's, and what they do, are in `src/runs/turns.sql` and `admission.sql`. */
const ROUTES = `
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

CREATE FUNCTION turn_route(p_user uuid, p_agents uuid[])
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

CREATE OR REPLACE FUNCTION turns_routed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT r.lane, r.connection_id, r.fallback_id, r.model, r.fallback_model
  INTO NEW.lane, NEW.connection_id, NEW.fallback_id, NEW.model, NEW.fallback_model
  FROM turn_route(NEW.user_id, CASE WHEN NEW.agent_id IS NULL THEN (SELECT agent_ids FROM runs WHERE id = NEW.run_id)
    ELSE ARRAY[NEW.agent_id] END) r;
  NEW.lane := coalesce(NEW.lane, 'platform');
  RETURN NEW;
END $$;
`

const ROUTES_BEFORE = `
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
  IF account.id IS NULL THEN RETURN json_build_object('connection', NULL, 'price', NULL); END IF;
  wanted := coalesce(p_model, account.model);
  SELECT * INTO price FROM price_versions p
  WHERE p.effective_from <= now()
    AND (p.provider, p.model) IN ((account.provider, wanted), (account.provider, '*'), ('*', '*'))
  ORDER BY p.provider = '*', p.model = '*', p.effective_from DESC, p.version DESC LIMIT 1;
  RETURN json_build_object('connection', row_to_json(account),
    'price', CASE WHEN price.id IS NOT NULL THEN row_to_json(price) END);
END $$;

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

CREATE OR REPLACE FUNCTION turns_routed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT r.lane, r.connection_id, r.fallback_id INTO NEW.lane, NEW.connection_id, NEW.fallback_id
  FROM turn_route(NEW.user_id, CASE WHEN NEW.agent_id IS NULL THEN (SELECT agent_ids FROM runs WHERE id = NEW.run_id)
    ELSE ARRAY[NEW.agent_id] END) r;
  NEW.lane := coalesce(NEW.lane, 'platform');
  RETURN NEW;
END $$;
`

/** A turn knows the models that it will call from its first moment on, as it does its connections; a claim looks again. */
export class NoteModelsOfTurns1790000006220 implements MigrationInterface {
  name = 'NoteModelsOfTurns1790000006220'

  async up(queryRunner: QueryRunner): Promise<void> {
    // Of turns that wait already it is not known, until they are claimed.
    await queryRunner.query('ALTER TABLE turns ADD COLUMN model text, ADD COLUMN fallback_model text')
    // Older processes go on to call it; what it answers besides, they do not ask for.
    await queryRunner.query('DROP FUNCTION turn_route')
    await queryRunner.query(ROUTES)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION turn_route')
    await queryRunner.query(ROUTES_BEFORE)
    await queryRunner.query('ALTER TABLE turns DROP COLUMN fallback_model, DROP COLUMN model')
  }
}
