import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Runs as clients see them, now with why no supervisor chose a turn's speaker, and with what lost calls cost the platform. */
const runViews = ({ notice, receipt }: { notice: string; receipt: string }) => `
CREATE OR REPLACE FUNCTION run_views(p_runs uuid[]) RETURNS TABLE (run json, turns json, receipt json) LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r),
    (SELECT coalesce(json_agg(json_build_object('index', t.index, 'agentId', t.agent_id, 'status', t.status,
       'attempt', t.attempt, 'messageId', t.message_id${notice}) ORDER BY t.index), '[]')
     FROM turns t WHERE t.run_id = r.id),
    ${receipt}
  FROM runs r WHERE r.id = ANY(p_runs)
$$;
`

const BEFORE = {
  notice: '',
  receipt: `(SELECT json_build_object(
       'inputTokens', coalesce(sum(c.input_tokens + c.cached_input_tokens + c.cache_write_tokens), 0),
       'outputTokens', coalesce(sum(c.output_tokens + c.reasoning_tokens), 0),
       'credits', coalesce(sum(c.charged), 0)::text, 'estimated', coalesce(bool_or(c.estimated), false),
       'released', (SELECT coalesce(sum(h.released), 0)::text FROM holds h WHERE h.run_id = r.id))
     FROM metered_calls c WHERE c.run_id = r.id AND c.outcome = 'charged')`,
}
const NOW = {
  notice: `, 'notice', t.notice`,
  receipt: `(SELECT json_build_object(
       'inputTokens', coalesce(sum(c.input_tokens + c.cached_input_tokens + c.cache_write_tokens) FILTER (WHERE c.paid), 0),
       'outputTokens', coalesce(sum(c.output_tokens + c.reasoning_tokens) FILTER (WHERE c.paid), 0),
       'credits', coalesce(sum(c.charged), 0)::text,
       'estimated', coalesce(bool_or(c.estimated) FILTER (WHERE c.paid), false),
       'lost', coalesce(sum(c.amount) FILTER (WHERE NOT c.paid), 0)::text,
       'released', (SELECT coalesce(sum(h.released), 0)::text FROM holds h WHERE h.run_id = r.id))
     FROM (SELECT m.*, m.outcome = 'charged' AS paid FROM metered_calls m WHERE m.run_id = r.id) c)`,
}

/** What models of a connection turned out to need; how hard an agent's model is to think; why a supervisor did not choose. */
export class LearnDialects1790000003100 implements MigrationInterface {
  name = 'LearnDialects1790000003100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE connections ADD COLUMN dialects jsonb NOT NULL DEFAULT '{}'`)
    await queryRunner.query(`
      ALTER TABLE agents ADD COLUMN reasoning_effort text
        CONSTRAINT agents_reasoning_effort_known
        CHECK (reasoning_effort IN ('none', 'minimal', 'low', 'medium', 'high'))`)
    await queryRunner.query('ALTER TABLE turns ADD COLUMN notice text')
    await queryRunner.query(runViews(NOW))
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(runViews(BEFORE))
    await queryRunner.query('ALTER TABLE turns DROP COLUMN notice')
    await queryRunner.query('ALTER TABLE agents DROP COLUMN reasoning_effort')
    await queryRunner.query('ALTER TABLE connections DROP COLUMN dialects')
  }
}
