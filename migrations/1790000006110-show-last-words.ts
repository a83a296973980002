import type { QueryRunner } from 'typeorm'
import type { Migration } from '../src/database/migration.ts'

/** As they are at this migration. Today's, and what they do, are in `src/runs/conversations-shown.sql`. */
const FUNCTIONS = `
CREATE FUNCTION conversation_unread(p_conversation uuid, p_read integer) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT count(*)::int FROM (
    SELECT FROM messages m WHERE m.conversation_id = p_conversation AND m.role = 'agent' AND m.status <> 'superseded'
      AND m.seq > greatest(p_read, (SELECT max(u.seq) FROM messages u WHERE u.conversation_id = p_conversation AND u.role = 'user'))
    LIMIT 100) AS found
$$;

CREATE FUNCTION conversation_glances(p_conversations uuid[])
RETURNS TABLE (id uuid, active uuid, last uuid, last_message json, unread integer, speakers json) LANGUAGE sql STABLE AS $$
  SELECT c.id,
    (SELECT r.id FROM runs r WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting')),
    (SELECT r.id FROM runs r WHERE r.conversation_id = c.id ORDER BY r.id DESC LIMIT 1),
    (SELECT json_build_object('id', m.id, 'seq', m.seq, 'role', m.role, 'agentId', m.agent_id, 'agentName', m.agent_name,
        'status', m.status, 'preview', left(m.content, 400), 'createdAt', m.created_at)
      FROM messages m WHERE m.conversation_id = c.id AND m.status <> 'superseded' ORDER BY m.seq DESC LIMIT 1),
    conversation_unread(c.id, c.read_seq),
    (SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'avatar', a.avatar, 'color', a.color) ORDER BY s.place), '[]')
      FROM unnest(c.agent_ids) WITH ORDINALITY AS s (id, place) JOIN agents a ON a.id = s.id)
  FROM conversations c WHERE c.id = ANY(p_conversations)
$$;

CREATE OR REPLACE FUNCTION conversation_shown(p_conversation uuid) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT json_build_object('conversation', row_to_json(c),
      'glance', (SELECT row_to_json(g) FROM conversation_glances(ARRAY[c.id]) g),
      'active', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting'))) v),
      'last', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id ORDER BY r.id DESC LIMIT 1)) v))
    FROM conversations c WHERE c.id = p_conversation);
END $$;
`
const BEFORE = `
CREATE OR REPLACE FUNCTION conversation_shown(p_conversation uuid) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT json_build_object('conversation', row_to_json(c),
      'active', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting'))) v),
      'last', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id ORDER BY r.id DESC LIMIT 1)) v))
    FROM conversations c WHERE c.id = p_conversation);
END $$;
`

/** Pins, faces of agents, and how far a user has read: all that was said until now. Writes every conversation: until its end nothing is said. */
export class ShowLastWords1790000006110 implements Migration {
  name = 'ShowLastWords1790000006110'
  isLong = true

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE conversations ADD COLUMN pinned boolean NOT NULL DEFAULT false, ADD COLUMN read_seq integer NOT NULL DEFAULT 0',
    )
    await queryRunner.query('ALTER TABLE agents ADD COLUMN avatar text, ADD COLUMN color text')
    await queryRunner.query('UPDATE conversations SET read_seq = last_seq')
    await queryRunner.query('CREATE INDEX conversations_listed ON conversations (user_id, pinned, active_at, id)')
    // The new one serves whatever it did.
    await queryRunner.query('DROP INDEX conversations_activity')
    await queryRunner.query(FUNCTIONS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
    await queryRunner.query('DROP FUNCTION conversation_glances')
    await queryRunner.query('DROP FUNCTION conversation_unread')
    await queryRunner.query('CREATE INDEX conversations_activity ON conversations (user_id, active_at, id)')
    await queryRunner.query('ALTER TABLE conversations DROP COLUMN pinned, DROP COLUMN read_seq')
    await queryRunner.query('ALTER TABLE agents DROP COLUMN avatar, DROP COLUMN color')
  }
}
