import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * A call that was begun once, and ends without anybody's decision, has an unknown outcome; a decision leaves the run time for the others. What the
 * functions do is said in `src/tools/tool-calls.sql`, where today's stand.
 */
const FUNCTIONS = `
CREATE OR REPLACE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_starts integer, p_approval_ms bigint)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
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

CREATE OR REPLACE FUNCTION tool_decide(p_user uuid, p_id uuid, p_approved boolean, p_args jsonb, p_deadline_ms bigint)
RETURNS TABLE (outcome text, run_id uuid, conversation_id uuid, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  asked tool_calls;
  run runs;
BEGIN
  SELECT * INTO asked FROM tool_calls c WHERE c.id = p_id AND c.user_id = p_user;
  SELECT * INTO run FROM runs r WHERE r.id = asked.run_id;
  IF asked.id IS NULL OR run.id IS NULL THEN
    outcome := 'missing';
    RETURN NEXT;
    RETURN;
  END IF;
  run_id := run.id;
  conversation_id := run.conversation_id;
  PERFORM FROM conversations c WHERE c.id = run.conversation_id FOR UPDATE;
  SELECT * INTO run FROM runs r WHERE r.id = asked.run_id FOR UPDATE;
  PERFORM FROM turns t WHERE t.run_id = asked.run_id AND t.index = asked.turn FOR UPDATE;
  IF run.id IS NULL OR run.status IN ('completed', 'failed', 'cancelled') OR run.cancel_requested_at IS NOT NULL THEN
    outcome := 'over';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET decided_by = p_user, decided_at = clock_timestamp(), args = coalesce(p_args, c.args),
    edited = c.edited OR p_args IS NOT NULL,
    status = CASE WHEN p_approved THEN 'approved' WHEN c.doubt THEN 'unknown' ELSE 'denied' END,
    ended_at = CASE WHEN NOT p_approved THEN clock_timestamp() END
  WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    outcome := 'over';
    RETURN NEXT;
    RETURN;
  END IF;
  IF NOT turn_awaits(asked.run_id, asked.turn) THEN
    UPDATE turns t SET due_at = clock_timestamp()
    WHERE t.run_id = asked.run_id AND t.index = asked.turn AND t.status = 'queued' AND t.waits > 0;
    -- No earlier than others of its calls can be decided on.
    UPDATE runs r SET deadline_at = p_deadline_ms * interval '1 millisecond' + greatest(clock_timestamp(),
        (SELECT max(c.expires_at) FROM tool_calls c WHERE c.run_id = asked.run_id AND c.status = 'awaiting')),
      status = CASE r.status WHEN 'waiting' THEN 'queued' ELSE r.status END,
      paused_ms = r.paused_ms + CASE WHEN r.paused_at IS NULL THEN 0 ELSE ceil(extract(epoch FROM clock_timestamp() - r.paused_at) * 1000) END,
      paused_at = NULL
    WHERE r.id = asked.run_id;
  END IF;
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = run.conversation_id
  RETURNING c.version INTO version;
  outcome := 'decided';
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION tool_close(p_run uuid, p_turn integer) RETURNS void LANGUAGE sql AS $$
  UPDATE tool_calls c SET ended_at = clock_timestamp(),
    status = CASE WHEN c.starts > 0 AND c.effect = 'writes' THEN 'unknown' ELSE 'cancelled' END
  WHERE c.run_id = p_run AND (p_turn IS NULL OR c.turn = p_turn) AND c.status IN ('planned', 'awaiting', 'approved', 'started')
$$;
`

const BEFORE = `
CREATE OR REPLACE FUNCTION tool_resume(p_run uuid, p_turn integer, p_token uuid, p_most_starts integer, p_approval_ms bigint)
RETURNS TABLE (outcome text, state json) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
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
  UPDATE tool_calls c SET status = 'expired', ended_at = clock_timestamp()
  WHERE c.run_id = p_run AND c.turn = p_turn AND c.status = 'awaiting' AND c.expires_at <= clock_timestamp();
  outcome := 'resumed';
  state := tool_state(p_run, p_turn);
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION tool_decide(p_user uuid, p_id uuid, p_approved boolean, p_args jsonb, p_deadline_ms bigint)
RETURNS TABLE (outcome text, run_id uuid, conversation_id uuid, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  asked tool_calls;
  run runs;
BEGIN
  SELECT * INTO asked FROM tool_calls c WHERE c.id = p_id AND c.user_id = p_user;
  SELECT * INTO run FROM runs r WHERE r.id = asked.run_id;
  IF asked.id IS NULL OR run.id IS NULL THEN
    outcome := 'missing';
    RETURN NEXT;
    RETURN;
  END IF;
  run_id := run.id;
  conversation_id := run.conversation_id;
  PERFORM FROM conversations c WHERE c.id = run.conversation_id FOR UPDATE;
  SELECT * INTO run FROM runs r WHERE r.id = asked.run_id FOR UPDATE;
  PERFORM FROM turns t WHERE t.run_id = asked.run_id AND t.index = asked.turn FOR UPDATE;
  IF run.id IS NULL OR run.status IN ('completed', 'failed', 'cancelled') OR run.cancel_requested_at IS NOT NULL THEN
    outcome := 'over';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET decided_by = p_user, decided_at = clock_timestamp(), args = coalesce(p_args, c.args),
    edited = p_args IS NOT NULL,
    status = CASE WHEN p_approved THEN 'approved' WHEN c.doubt THEN 'unknown' ELSE 'denied' END,
    ended_at = CASE WHEN NOT p_approved THEN clock_timestamp() END
  WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    outcome := 'over';
    RETURN NEXT;
    RETURN;
  END IF;
  IF NOT turn_awaits(asked.run_id, asked.turn) THEN
    UPDATE turns t SET due_at = clock_timestamp()
    WHERE t.run_id = asked.run_id AND t.index = asked.turn AND t.status = 'queued' AND t.waits > 0;
    UPDATE runs r SET deadline_at = clock_timestamp() + p_deadline_ms * interval '1 millisecond',
      status = CASE r.status WHEN 'waiting' THEN 'queued' ELSE r.status END,
      paused_ms = r.paused_ms + CASE WHEN r.paused_at IS NULL THEN 0 ELSE ceil(extract(epoch FROM clock_timestamp() - r.paused_at) * 1000) END,
      paused_at = NULL
    WHERE r.id = asked.run_id;
  END IF;
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = run.conversation_id
  RETURNING c.version INTO version;
  outcome := 'decided';
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION tool_close(p_run uuid, p_turn integer) RETURNS void LANGUAGE sql AS $$
  UPDATE tool_calls c SET ended_at = clock_timestamp(),
    status = CASE WHEN c.status = 'started' AND c.effect = 'writes' THEN 'unknown' ELSE 'cancelled' END
  WHERE c.run_id = p_run AND (p_turn IS NULL OR c.turn = p_turn) AND c.status IN ('planned', 'awaiting', 'approved', 'started')
$$;
`

export class DoubtToolCalls1790000006730 implements MigrationInterface {
  name = 'DoubtToolCalls1790000006730'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTIONS)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
