import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * What tools give back as files, and that these go when their calls do, with whatever takes the conversation along: the sweep removes their objects.
 * One that its user has attached to a message elsewhere stays.
 */
const UP = [
  'ALTER TABLE tool_calls ADD COLUMN files jsonb',
  `CREATE FUNCTION tool_calls_take_files() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     UPDATE files f SET status = 'deleting', claim_token = NULL, lease_until = NULL, due_at = now(), updated_at = now()
     FROM jsonb_array_elements(OLD.files) AS k (file)
     WHERE f.id = (k.file->>'id')::uuid AND f.user_id = OLD.user_id AND f.status IN ('processing', 'ready', 'failed')
       AND NOT EXISTS (SELECT FROM conversations c JOIN messages m ON m.conversation_id = c.id
         WHERE c.user_id = OLD.user_id AND m.file_ids <> '{}' AND m.file_ids @> ARRAY[f.id]);
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER tool_calls_take_files AFTER DELETE ON tool_calls FOR EACH ROW
   WHEN (OLD.files IS NOT NULL) EXECUTE FUNCTION tool_calls_take_files()`,
]

export class KeepToolFiles1790000006955 implements MigrationInterface {
  name = 'KeepToolFiles1790000006955'

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of UP) await queryRunner.query(sql)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TRIGGER tool_calls_take_files ON tool_calls')
    await queryRunner.query('DROP FUNCTION tool_calls_take_files')
    await queryRunner.query('ALTER TABLE tool_calls DROP COLUMN files')
  }
}
