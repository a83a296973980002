import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Only whoever has a turn says of its calls that they are not made. What the functions do is said in `src/tools/tool-calls.sql`, where
 * today's stand.
 */
const FUNCTIONS = `
CREATE FUNCTION tool_skip(p_run uuid, p_turn integer, p_token uuid, p_call integer, p_status text, p_result text,
  p_error_code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR SHARE;
  IF NOT FOUND THEN RETURN 'lost'; END IF;
  UPDATE tool_calls c SET status = p_status, result = p_result, error_code = p_error_code, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call AND c.status IN ('planned', 'approved');
  RETURN CASE WHEN FOUND THEN 'skipped' ELSE 'over' END;
END $$;

CREATE OR REPLACE FUNCTION tool_end(p_run uuid, p_turn integer, p_call integer, p_attempt integer, p_status text, p_result text,
  p_error_code text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE tool_calls c SET status = p_status, result = p_result, error_code = p_error_code, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call AND c.status = 'started' AND c.attempt = p_attempt;
  RETURN FOUND;
END $$;
`

const BEFORE = `
DROP FUNCTION tool_skip;

CREATE OR REPLACE FUNCTION tool_end(p_run uuid, p_turn integer, p_call integer, p_attempt integer, p_status text, p_result text,
  p_error_code text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE tool_calls c SET status = p_status, result = p_result, error_code = p_error_code, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = p_call
    AND CASE WHEN p_attempt IS NULL THEN c.status IN ('planned', 'approved') ELSE c.status = 'started' AND c.attempt = p_attempt END;
  RETURN FOUND;
END $$;
`

export class SkipToolCalls1790000006900 implements MigrationInterface {
  name = 'SkipToolCalls1790000006900'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTIONS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
