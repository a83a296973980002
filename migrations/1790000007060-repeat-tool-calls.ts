import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * A call that takes our key is started again as often as its turn is tried, and not with a key that its server may have forgotten: what is
 * counted is how often no answer came, no more how often a worker died.
 */
const AFTER = `ALTER TABLE tool_calls ADD COLUMN unanswered integer NOT NULL DEFAULT 0;

DROP FUNCTION tool_resume(uuid, integer, uuid, integer, bigint);
CREATE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_unanswered integer, p_approval_ms bigint,
  p_key_ms bigint DEFAULT 82800000)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
DECLARE
  present integer;
BEGIN
  SELECT t.attempt INTO present FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM tool_inherit(p_run, p_turn);
  UPDATE tool_calls c SET status = n.status, doubt = c.doubt OR NOT n.harmless OR n.status = 'awaiting',
    unanswered = CASE n.status WHEN 'awaiting' THEN 0 ELSE n.unanswered END,
    expires_at = CASE n.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    decided_by = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_by END,
    decided_at = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_at END,
    ended_at = CASE n.status WHEN 'unknown' THEN clock_timestamp() END
  FROM (SELECT o.call, o.was, o.harmless, o.unanswered, CASE WHEN o.harmless AND o.unanswered < p_most_unanswered THEN 'planned'
      WHEN o.effect = 'writes' AND o.on_unknown = 'ask' THEN 'awaiting' ELSE 'unknown' END AS status
    FROM (SELECT s.call, s.status AS was, s.effect, s.on_unknown,
        s.unanswered + (s.status = 'started' AND s.attempt = present)::integer AS unanswered, s.effect = 'reads' OR (s.keyed
          AND greatest(s.created_at, s.decided_at) > clock_timestamp() - p_key_ms * interval '1 millisecond') AS harmless
      FROM tool_calls s WHERE s.run_id = p_run AND s.turn = p_turn
        AND (s.status = 'started' OR (s.status = 'planned' AND s.starts > 0))) o) n
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = n.call AND c.status = n.was;
  UPDATE tool_calls c SET status = CASE WHEN c.doubt THEN 'unknown' ELSE 'expired' END, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$;`

const BEFORE = `DROP FUNCTION tool_resume(uuid, integer, uuid, integer, bigint, bigint);
CREATE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_starts integer, p_approval_ms bigint)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM tool_inherit(p_run, p_turn);
  UPDATE tool_calls c SET status = n.status, doubt = c.doubt OR NOT n.harmless,
    expires_at = CASE n.status WHEN 'awaiting' THEN clock_timestamp() + p_approval_ms * interval '1 millisecond' END,
    decided_by = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_by END,
    decided_at = CASE WHEN n.status = 'awaiting' THEN NULL ELSE c.decided_at END,
    ended_at = CASE n.status WHEN 'unknown' THEN clock_timestamp() END
  FROM (SELECT o.call, o.harmless, CASE WHEN o.harmless AND o.starts < p_most_starts THEN 'planned'
      WHEN NOT o.harmless AND o.on_unknown = 'ask' THEN 'awaiting' ELSE 'unknown' END AS status
    FROM (SELECT s.*, s.keyed OR s.effect = 'reads' AS harmless FROM tool_calls s
      WHERE s.run_id = p_run AND s.turn = p_turn AND s.status = 'started') o) n
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.call = n.call AND c.status = 'started';
  UPDATE tool_calls c SET status = CASE WHEN c.doubt THEN 'unknown' ELSE 'expired' END, ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$;

ALTER TABLE tool_calls DROP COLUMN unanswered`

export class RepeatToolCalls1790000007060 implements MigrationInterface {
  name = 'RepeatToolCalls1790000007060'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
