import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As it is at this migration. Today's, and what it does, is in `src/runs/conversations-shown.sql`. */
const FUNCTION = `
CREATE FUNCTION conversation_shown(p_conversation uuid) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT json_build_object('conversation', row_to_json(c),
      'active', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting'))) v),
      'last', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id ORDER BY r.id DESC LIMIT 1)) v))
    FROM conversations c WHERE c.id = p_conversation);
END $$;
`

export class ShowConversations1790000005310 implements MigrationInterface {
  name = 'ShowConversations1790000005310'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTION)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION conversation_shown')
  }
}
