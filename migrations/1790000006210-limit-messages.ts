import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What a message takes of its sender's day, as it is at this migration. Today's, and what it does, is in `src/chat/accept.sql`. */
const FUNCTION = `
CREATE FUNCTION messages_take(p_user uuid, p_cost_ms double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  over_ms double precision;
BEGIN
  INSERT INTO message_budgets AS b (user_id, taken_until) VALUES (p_user, now() + p_cost_ms * interval '1 millisecond')
  ON CONFLICT (user_id) DO UPDATE SET taken_until = greatest(b.taken_until, now()) + p_cost_ms * interval '1 millisecond'
  RETURNING extract(epoch FROM b.taken_until - now() - interval '1 day') * 1000 INTO over_ms;
  IF over_ms > 0 THEN
    RAISE EXCEPTION 'user % has sent enough for now', p_user USING ERRCODE = 'CP003', DETAIL = over_ms::text;
  END IF;
END $$;
`

/** Bytes of messages within a day: the limit of what a user writes here nearly for free. */
export class LimitMessages1790000006210 implements MigrationInterface {
  name = 'LimitMessages1790000006210'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE message_budgets (
        user_id uuid NOT NULL,
        taken_until timestamptz NOT NULL,
        CONSTRAINT message_budgets_pk PRIMARY KEY (user_id),
        CONSTRAINT message_budgets_user_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )`)
    await queryRunner.query(FUNCTION)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION messages_take')
    await queryRunner.query('DROP TABLE message_budgets')
  }
}
