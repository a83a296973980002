import type { MigrationInterface, QueryRunner } from 'typeorm'

/** A call may be asked about several times after it was started: a yes to one of these questions was one to the next, too. */
const AFTER = `DROP FUNCTION tool_decide(uuid, uuid, boolean, jsonb, bigint, boolean);
CREATE FUNCTION tool_decide(p_user uuid, p_id uuid, p_approved boolean, p_args jsonb, p_deadline_ms bigint,
  p_was_started boolean DEFAULT NULL, p_started_at timestamptz DEFAULT NULL)
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
  IF p_approved AND p_was_started IS NULL AND EXISTS (SELECT FROM tool_calls c
    WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp() AND c.doubt) THEN
    outcome := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET decided_by = p_user, decided_at = clock_timestamp(), args = coalesce(p_args, c.args),
    edited = c.edited OR p_args IS NOT NULL,
    status = CASE WHEN p_approved THEN 'approved' WHEN c.doubt THEN 'unknown' ELSE 'denied' END,
    ended_at = CASE WHEN NOT p_approved THEN clock_timestamp() END
  WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp()
    AND (p_was_started IS NULL OR p_was_started = (c.started_at IS NOT NULL))
    AND (p_started_at IS NULL OR abs(extract(epoch FROM c.started_at - p_started_at)) < 0.002);
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
END $$`

const BEFORE = `DROP FUNCTION tool_decide(uuid, uuid, boolean, jsonb, bigint, boolean, timestamptz);
CREATE FUNCTION tool_decide(p_user uuid, p_id uuid, p_approved boolean, p_args jsonb, p_deadline_ms bigint,
  p_was_started boolean DEFAULT NULL)
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
  IF p_approved AND p_was_started IS NULL AND EXISTS (SELECT FROM tool_calls c
    WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp() AND c.doubt) THEN
    outcome := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE tool_calls c SET decided_by = p_user, decided_at = clock_timestamp(), args = coalesce(p_args, c.args),
    edited = c.edited OR p_args IS NOT NULL,
    status = CASE WHEN p_approved THEN 'approved' WHEN c.doubt THEN 'unknown' ELSE 'denied' END,
    ended_at = CASE WHEN NOT p_approved THEN clock_timestamp() END
  WHERE c.id = p_id AND c.status = 'awaiting' AND c.expires_at > clock_timestamp()
    AND (p_was_started IS NULL OR p_was_started = (c.started_at IS NOT NULL));
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
END $$`

export class NameQuestions1790000007180 implements MigrationInterface {
  name = 'NameQuestions1790000007180'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(AFTER)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(BEFORE)
  }
}
