import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As it is at this migration. Today's, and what it does, is in `src/credits/erase.sql`. */
const FUNCTION = `CREATE FUNCTION usage_forget(p_after uuid, p_until uuid, p_limit integer) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  forgotten uuid[];
  last uuid;
BEGIN
  PERFORM set_config('chatsparty.ledger_erases', 'on', true);
  SELECT array_agg(id ORDER BY id) INTO forgotten FROM (
    SELECT id FROM metered_calls WHERE id > p_after AND id < p_until
      AND num_nonnulls(conversation_id, agent_id, agent_name, connection_id) > 0
    ORDER BY id LIMIT p_limit) AS old;
  last := forgotten[cardinality(forgotten)];
  UPDATE metered_calls SET conversation_id = NULL, agent_id = NULL, agent_name = NULL, connection_id = NULL
  WHERE id = ANY(forgotten);
  UPDATE ledger_entries SET description = NULL
  WHERE id > p_after AND id <= coalesce(last, p_until) AND kind IN ('post', 'loss') AND description IS NOT NULL;
  PERFORM set_config('chatsparty.ledger_erases', 'off', true);
  RETURN last;
END $$`

/** Metered calls that are old enough lose by whom and where they were made; their figures stay. */
export class ForgetUsage1790000005110 implements MigrationInterface {
  name = 'ForgetUsage1790000005110'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTION)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION usage_forget')
  }
}
