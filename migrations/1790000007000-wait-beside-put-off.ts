import type { MigrationInterface, QueryRunner } from 'typeorm'

/** A run of which somebody is asked waits also while another of its turns is put off by a limit of ours. */
const AFTER = `CREATE OR REPLACE FUNCTION run_rests(p_run uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE runs r SET status = 'waiting', paused_at = clock_timestamp()
  WHERE r.id = p_run AND r.status = 'running'
    AND EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND t.status = 'queued' AND turn_awaits(t.run_id, t.index))
    AND NOT EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND (t.status = 'running'
      OR (t.status = 'queued' AND NOT (t.waits > 0 AND t.due_at > clock_timestamp()) AND NOT turn_awaits(t.run_id, t.index))));
  RETURN FOUND;
END $$;`

const BEFORE = `CREATE OR REPLACE FUNCTION run_rests(p_run uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE runs r SET status = 'waiting', paused_at = clock_timestamp()
  WHERE r.id = p_run AND r.status = 'running'
    AND EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND t.status IN ('queued', 'running'))
    AND NOT EXISTS (SELECT FROM turns t WHERE t.run_id = p_run AND (t.status = 'running'
      OR (t.status = 'queued' AND NOT turn_awaits(t.run_id, t.index))));
  RETURN FOUND;
END $$;`

export class WaitBesidePutOff1790000007000 implements MigrationInterface {
  name = 'WaitBesidePutOff1790000007000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(AFTER)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(BEFORE)
  }
}
