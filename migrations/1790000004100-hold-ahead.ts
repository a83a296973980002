import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What is new, as it is at this migration. Today's, and what it does, is in `src/runs/turns.sql`. */
const FUNCTIONS = `
CREATE FUNCTION user_losses(p_user uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(c.amount - c.charged), 0)::bigint FROM metered_calls c
    JOIN connections n ON n.id = c.connection_id AND n.user_id IS NULL
  WHERE c.user_id = p_user AND c.charged < c.amount AND c.created_at > now() - interval '1 day'
$$;

CREATE FUNCTION turn_reserve(p_run uuid, p_turn integer, p_token uuid, p_quote jsonb, p_least bigint, p_amount bigint,
  p_max_credits bigint, p_loss_allowance bigint, p_hold uuid, p_entry uuid)
RETURNS TABLE (outcome text, hold_id uuid, amount bigint, is_short boolean) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  room bigint := p_amount;
  free bigint;
  others integer;
BEGIN
  IF p_max_credits IS NOT NULL THEN
    PERFORM FROM runs WHERE id = p_run FOR UPDATE;
    room := least(p_amount, p_max_credits - run_committed(p_run));
  END IF;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
  ELSIF room < p_least THEN
    outcome := 'max_credits';
  ELSIF p_loss_allowance IS NOT NULL AND user_losses(turn.user_id) >= p_loss_allowance THEN
    outcome := 'losses';
  ELSE
    -- Others may take what was seen to be free: then it is looked at again.
    FOR try IN 1..3 LOOP
      SELECT a.available INTO free FROM accounts a WHERE a.user_id = turn.user_id;
      amount := room;
      IF room > free / 16 THEN
        SELECT count(*) INTO others FROM turns o
        WHERE o.user_id = turn.user_id AND o.status IN ('queued', 'running') AND o.dispatched_at IS NOT NULL
          AND (o.run_id, o.index) <> (p_run, p_turn) AND NOT EXISTS (
            SELECT FROM holds h WHERE h.run_id = o.run_id AND h.turn = o.index AND h.status = 'pending');
        IF room > free / (1 + others) THEN amount := greatest(p_least, free / (2 + others)); END IF;
      END IF;
      is_short := amount < room;
      outcome := ledger_hold(p_hold, p_entry, turn.user_id, p_run, p_turn, turn.attempt, p_token, amount);
      EXIT WHEN outcome <> 'credits_exhausted' OR free IS NULL OR free < p_least;
    END LOOP;
    hold_id := p_hold;
    IF outcome = 'repeated' THEN
      SELECT h.id, h.amount INTO hold_id, amount FROM holds h
      WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending';
      is_short := amount < room;
      outcome := 'held';
    END IF;
    IF outcome = 'held' THEN
      UPDATE turns t SET quote = p_quote || jsonb_build_object('held', amount::text)
      WHERE t.run_id = p_run AND t.index = p_turn;
    END IF;
  END IF;
  RETURN NEXT;
END $$;
`

/** A decision is paid from its hold, where there is one. */
const DECIDE = `
CREATE OR REPLACE FUNCTION turn_decide(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_agent uuid, p_fallback uuid,
  p_seen_seq integer, p_calls jsonb, p_extend_entry uuid, p_extend_key text, p_release_entry uuid)
RETURNS TABLE (outcome text, agent_id uuid, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  hold uuid;
  money record;
BEGIN
  PERFORM FROM conversations WHERE id = p_conversation FOR UPDATE;
  PERFORM FROM runs WHERE id = p_run FOR UPDATE;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_agent IS NULL AND NOT EXISTS (
    SELECT FROM messages m WHERE m.run_id = p_run AND m.role = 'user' AND m.seq > p_seen_seq) THEN
    outcome := 'nobody';
    RETURN NEXT;
    RETURN;
  END IF;
  agent_id := coalesce(p_agent, p_fallback);
  UPDATE turns t SET agent_id = turn_decide.agent_id, quote = NULL WHERE t.run_id = p_run AND t.index = p_turn;
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = p_conversation
  RETURNING c.version INTO version;
  SELECT h.id INTO hold FROM holds h WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending' FOR UPDATE;
  IF hold IS NOT NULL OR jsonb_array_length(p_calls) > 0 THEN
    PERFORM pg_advisory_xact_lock(400, uuid_hash(turn.user_id));
    IF EXISTS (SELECT FROM ledger_entries e WHERE e.key = 'post:' || (p_calls->0->>'key')) THEN
      PERFORM ledger_void(p_run, p_turn, p_release_entry);
    ELSE
      SELECT * INTO money FROM ledger_charge(turn.user_id, hold, p_run, p_turn, turn.attempt, p_calls, p_extend_entry,
        p_extend_key, p_release_entry);
      IF money.charged IS NULL THEN
        RAISE EXCEPTION 'the user of turn %/% has no account', p_run, p_turn USING ERRCODE = 'CP001';
      END IF;
    END IF;
  END IF;
  outcome := 'decided';
  RETURN NEXT;
END $$;
`

const DECIDE_BEFORE = `
CREATE OR REPLACE FUNCTION turn_decide(p_conversation uuid, p_run uuid, p_turn integer, p_token uuid, p_agent uuid, p_fallback uuid,
  p_seen_seq integer, p_calls jsonb, p_extend_entry uuid, p_extend_key text, p_release_entry uuid)
RETURNS TABLE (outcome text, agent_id uuid, version bigint) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  money record;
BEGIN
  PERFORM FROM conversations WHERE id = p_conversation FOR UPDATE;
  PERFORM FROM runs WHERE id = p_run FOR UPDATE;
  SELECT * INTO turn FROM turns t
  WHERE t.run_id = p_run AND t.index = p_turn AND t.claim_token = p_token AND t.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'lost';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_agent IS NULL AND NOT EXISTS (
    SELECT FROM messages m WHERE m.run_id = p_run AND m.role = 'user' AND m.seq > p_seen_seq) THEN
    outcome := 'nobody';
    RETURN NEXT;
    RETURN;
  END IF;
  agent_id := coalesce(p_agent, p_fallback);
  UPDATE turns t SET agent_id = turn_decide.agent_id, quote = NULL WHERE t.run_id = p_run AND t.index = p_turn;
  UPDATE conversations c SET version = c.version + 1, updated_at = now() WHERE c.id = p_conversation
  RETURNING c.version INTO version;
  IF jsonb_array_length(p_calls) > 0 THEN
    PERFORM pg_advisory_xact_lock(400, uuid_hash(turn.user_id));
    IF NOT EXISTS (SELECT FROM ledger_entries e WHERE e.key = 'post:' || (p_calls->0->>'key')) THEN
      SELECT * INTO money FROM ledger_charge(turn.user_id, NULL, p_run, p_turn, turn.attempt, p_calls, p_extend_entry,
        p_extend_key, p_release_entry);
      IF money.charged IS NULL THEN
        RAISE EXCEPTION 'the user of turn %/% has no account', p_run, p_turn USING ERRCODE = 'CP001';
      END IF;
    END IF;
  END IF;
  outcome := 'decided';
  RETURN NEXT;
END $$;
`

/** What a call may cost is held before its request, and what a user's lost calls cost the platform has an end. */
export class HoldAhead1790000004100 implements MigrationInterface {
  name = 'HoldAhead1790000004100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'CREATE INDEX metered_calls_losses_of_user ON metered_calls (user_id, created_at) WHERE charged < amount',
    )
    await queryRunner.query(`CREATE INDEX holds_of_chores ON holds (created_at) WHERE status = 'pending' AND turn < 0`)
    await queryRunner.query(FUNCTIONS)
    await queryRunner.query(DECIDE)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(DECIDE_BEFORE)
    await queryRunner.query('DROP FUNCTION turn_reserve, user_losses')
    await queryRunner.query('DROP INDEX holds_of_chores')
    await queryRunner.query('DROP INDEX metered_calls_losses_of_user')
  }
}
