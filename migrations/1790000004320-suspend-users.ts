import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Whoever is suspended begins no runs. Their sessions have ended, but a request that was let in a moment before may still be on its way:
 * the trigger waits for a suspension that is about to commit, and then refuses. `regenerate` and whatever begins runs tomorrow meet it too.
 */
export class SuspendUsers1790000004320 implements MigrationInterface {
  name = 'SuspendUsers1790000004320'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE users ADD COLUMN suspended_at timestamptz, ADD COLUMN suspended_reason text,
        ADD CONSTRAINT users_suspension_whole CHECK ((suspended_at IS NULL) = (suspended_reason IS NULL))`)
    await queryRunner.query(`
      CREATE FUNCTION runs_refuse_suspended() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM FROM users WHERE id = NEW.user_id FOR KEY SHARE;
        IF EXISTS (SELECT FROM users WHERE id = NEW.user_id AND suspended_at IS NOT NULL) THEN
          RAISE EXCEPTION 'user % is suspended', NEW.user_id USING ERRCODE = 'CP002';
        END IF;
        RETURN NEW;
      END $$`)
    await queryRunner.query(`
      CREATE TRIGGER runs_refuse_suspended BEFORE INSERT ON runs
      FOR EACH ROW EXECUTE FUNCTION runs_refuse_suspended()`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TRIGGER runs_refuse_suspended ON runs')
    await queryRunner.query('DROP FUNCTION runs_refuse_suspended')
    await queryRunner.query(`
      ALTER TABLE users DROP CONSTRAINT users_suspension_whole, DROP COLUMN suspended_at, DROP COLUMN suspended_reason`)
  }
}
