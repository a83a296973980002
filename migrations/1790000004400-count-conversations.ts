import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Whether a user may have another conversation, as it is at this migration. Today's, and what it does, is in `src/chat/accept.sql`. */
const FUNCTION = `
CREATE FUNCTION conversations_free(p_user uuid, p_most integer, p_route text, p_key text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(404, uuid_hash(p_user));
  RETURN EXISTS (SELECT FROM idempotency_keys k WHERE k.user_id = p_user AND k.route = p_route AND k.key = p_key)
    OR (SELECT count(*) FROM (SELECT FROM conversations c WHERE c.user_id = p_user LIMIT p_most) one) < p_most;
END $$;
`

export class CountConversations1790000004400 implements MigrationInterface {
  name = 'CountConversations1790000004400'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTION)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION conversations_free')
  }
}
