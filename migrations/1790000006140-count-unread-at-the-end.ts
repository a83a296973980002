import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As it is at this migration. Today's, and what it does, is in `src/runs/conversations-shown.sql`. */
const FUNCTION = `
CREATE OR REPLACE FUNCTION conversation_unread(p_conversation uuid, p_read integer) RETURNS integer LANGUAGE sql STABLE AS $$
  WITH latest AS (
    SELECT m.role, m.status, m.seq FROM messages m WHERE m.conversation_id = p_conversation AND m.seq > p_read
    ORDER BY m.seq DESC LIMIT 200)
  SELECT least(count(*), 100)::int FROM latest l
  WHERE l.role = 'agent' AND l.status <> 'superseded' AND l.seq > coalesce((SELECT max(seq) FROM latest WHERE role = 'user'), 0)
$$;
`
const BEFORE = `
CREATE OR REPLACE FUNCTION conversation_unread(p_conversation uuid, p_read integer) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT count(*)::int FROM (
    SELECT FROM messages m WHERE m.conversation_id = p_conversation AND m.role = 'agent' AND m.status <> 'superseded'
      AND m.seq > greatest(p_read, (SELECT max(u.seq) FROM messages u WHERE u.conversation_id = p_conversation AND u.role = 'user'))
    LIMIT 100) AS found
$$;
`

export class CountUnreadAtTheEnd1790000006140 implements MigrationInterface {
  name = 'CountUnreadAtTheEnd1790000006140'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTION)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
