import type { QueryRunner } from 'typeorm'
import type { Migration } from '../src/database/migration.ts'

/** As it is at this migration. Today's, and what it does, is in `src/conversations/conversations.sql`. */
const FUNCTION = `
CREATE FUNCTION conversation_spoke() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.active_at := clock_timestamp();
  RETURN NEW;
END $$;
`

/** Fills a column of every conversation and builds an index: until its end nothing is said, renamed or begun. */
export class OrderByActivity1790000005300 implements Migration {
  name = 'OrderByActivity1790000005300'
  isLong = true

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE conversations ADD COLUMN active_at timestamptz(3) NOT NULL DEFAULT now()')
    await queryRunner.query('UPDATE conversations SET active_at = updated_at')
    await queryRunner.query('CREATE INDEX conversations_activity ON conversations (user_id, active_at, id)')
    // The new one serves whatever it did.
    await queryRunner.query('DROP INDEX conversations_user')
    await queryRunner.query(FUNCTION)
    await queryRunner.query(`
      CREATE TRIGGER conversations_spoke BEFORE UPDATE OF last_seq ON conversations FOR EACH ROW
      WHEN (NEW.last_seq > OLD.last_seq) EXECUTE FUNCTION conversation_spoke()`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TRIGGER conversations_spoke ON conversations')
    await queryRunner.query('DROP FUNCTION conversation_spoke')
    await queryRunner.query('CREATE INDEX conversations_user ON conversations (user_id, id)')
    await queryRunner.query('ALTER TABLE conversations DROP COLUMN active_at')
  }
}
