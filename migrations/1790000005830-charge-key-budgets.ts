import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As they are at this migration, and as they were before it. Today's, and what they do, are in `src/credits/ledger.sql` and `src/runs/turns.sql`. */
const CHARGE = `
CREATE OR REPLACE FUNCTION ledger_charge(p_user uuid, p_hold uuid, p_run uuid, p_turn integer, p_attempt integer, p_calls jsonb,
  p_extend_entry uuid, p_extend_key text, p_release_entry uuid,
  OUT charged bigint, OUT released bigint, OUT lost bigint, OUT available bigint, OUT held bigint) LANGUAGE plpgsql AS $$
DECLARE
  calls integer := jsonb_array_length(p_calls);
  call jsonb;
  cost bigint;
  paid bigint[];
  due bigint := 0;
  reserved bigint := 0;
  extra bigint := 0;
  unspent bigint;
  last_number bigint;
  next_number bigint;
  held_after bigint;
  api_key uuid;
  held_at timestamptz;
BEGIN
  FOR i IN 1..calls LOOP
    due := due + (p_calls->(i - 1)->>'amount')::bigint;
  END LOOP;
  IF p_hold IS NOT NULL THEN
    UPDATE holds AS h SET status = 'posted', released = h.released + greatest(h.amount - due, 0), resolved_at = now()
    WHERE h.run_id = p_run AND h.turn = p_turn AND h.id = p_hold AND h.user_id = p_user AND h.status = 'pending'
    RETURNING h.amount, h.key_id, h.created_at INTO reserved, api_key, held_at;
    IF NOT FOUND THEN
      IF EXISTS (SELECT FROM ledger_entries WHERE key = 'hold:' || p_hold) THEN RETURN; END IF;
      p_hold := NULL;
      reserved := 0;
    END IF;
  END IF;
  IF p_hold IS NULL AND p_run IS NOT NULL THEN
    api_key := budget_of(p_run, p_turn);
    held_at := now();
  ELSIF p_hold IS NULL THEN
    SELECT h.key_id, h.created_at INTO api_key, held_at FROM holds h
    WHERE h.run_id = (p_calls->0->>'conversation_id')::uuid
      AND h.turn = CASE p_calls->0->>'purpose' WHEN 'title' THEN -1 WHEN 'summary' THEN -2 END;
  END IF;
  IF due > reserved THEN
    PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
    SELECT a.available INTO available FROM accounts AS a WHERE a.user_id = p_user FOR UPDATE;
    extra := least(available, due - reserved);
    IF api_key IS NOT NULL THEN extra := least(extra, budget_left(api_key, held_at)); END IF;
  END IF;
  unspent := reserved + extra;
  FOR i IN 1..calls LOOP
    call := p_calls->(i - 1);
    paid[i] := least((call->>'amount')::bigint, unspent);
    unspent := unspent - paid[i];
    INSERT INTO metered_calls (id, user_id, conversation_id, run_id, turn, attempt, call, purpose, agent_id, agent_name,
      connection_id, provider, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
      reasoning_tokens, estimated, price_version_id, rate_ppm, amount, charged, outcome)
    SELECT c.id, p_user, c.conversation_id, p_run, p_turn, p_attempt, c.call, c.purpose, c.agent_id, c.agent_name,
      c.connection_id, c.provider, c.model, c.input_tokens, c.cached_input_tokens, c.cache_write_tokens, c.output_tokens,
      c.reasoning_tokens, c.estimated, c.price_version_id, c.rate_ppm, c.amount, paid[i], 'charged'
    FROM jsonb_to_record(call) AS c (id uuid, conversation_id uuid, call integer, purpose text, agent_id uuid,
      agent_name text, connection_id uuid, provider text, model text, input_tokens integer, cached_input_tokens integer,
      cache_write_tokens integer, output_tokens integer, reasoning_tokens integer, estimated boolean,
      price_version_id uuid, rate_ppm integer, amount bigint);
  END LOOP;

  PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
  UPDATE accounts AS a SET available = a.available - extra + unspent, held = a.held - reserved,
    spent = a.spent + reserved + extra - unspent,
    entries = a.entries + (extra > 0)::integer + calls + (unspent > 0)::integer
  WHERE a.user_id = p_user RETURNING a.available, a.held, a.entries INTO available, held, last_number;
  IF NOT FOUND THEN RETURN; END IF;
  charged := reserved + extra - unspent;
  released := unspent;
  lost := due - charged;
  IF api_key IS NOT NULL AND NOT budget_count(api_key, held_at, -reserved, charged)
    AND EXISTS (SELECT FROM api_keys k WHERE k.id = api_key) THEN
    RAISE EXCEPTION 'the budget of key % does not cover what was held for it', api_key;
  END IF;

  -- From the balances as they were after the extension the entries lead to what the account says now.
  held_after := held + charged + released;
  next_number := last_number - calls - (released > 0)::integer;
  IF extra > 0 THEN
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_extend_entry, p_user, next_number, CASE WHEN p_hold IS NULL THEN 'hold' ELSE 'extend' END, 'available',
      'held', extra, available - released, held_after, p_extend_key, p_run, p_turn, p_attempt, p_hold);
  END IF;
  FOR i IN 1..calls LOOP
    call := p_calls->(i - 1);
    cost := (call->>'amount')::bigint;
    next_number := next_number + 1;
    held_after := held_after - paid[i];
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, call_id, hold_id, description)
    VALUES ((call->>'id')::uuid, p_user, next_number, 'post', 'held', 'revenue', paid[i], available - released, held_after,
      'post:' || (call->>'key'), p_run, p_turn, p_attempt, (call->>'id')::uuid, p_hold, call->>'description');
    CONTINUE WHEN paid[i] = cost;
    INSERT INTO ledger_entries (id, user_id, kind, debit_account, credit_account, amount, key, run_id, turn, attempt,
      call_id, hold_id, description)
    VALUES ((call->>'loss_id')::uuid, p_user, 'loss', 'losses', 'revenue', cost - paid[i], 'loss:' || (call->>'key'),
      p_run, p_turn, p_attempt, (call->>'id')::uuid, p_hold, call->>'description');
  END LOOP;
  IF released > 0 THEN
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_release_entry, p_user, last_number, 'release', 'held', 'available', released, available, held,
      'release:' || p_hold, p_run, p_turn, p_attempt, p_hold);
  END IF;
END $$`

const CHARGE_BEFORE = `
CREATE OR REPLACE FUNCTION ledger_charge(p_user uuid, p_hold uuid, p_run uuid, p_turn integer, p_attempt integer, p_calls jsonb,
  p_extend_entry uuid, p_extend_key text, p_release_entry uuid,
  OUT charged bigint, OUT released bigint, OUT lost bigint, OUT available bigint, OUT held bigint) LANGUAGE plpgsql AS $$
DECLARE
  calls integer := jsonb_array_length(p_calls);
  call jsonb;
  cost bigint;
  paid bigint[];
  due bigint := 0;
  reserved bigint := 0;
  extra bigint := 0;
  unspent bigint;
  last_number bigint;
  next_number bigint;
  held_after bigint;
BEGIN
  FOR i IN 1..calls LOOP
    due := due + (p_calls->(i - 1)->>'amount')::bigint;
  END LOOP;
  IF p_hold IS NOT NULL THEN
    UPDATE holds AS h SET status = 'posted', released = h.released + greatest(h.amount - due, 0), resolved_at = now()
    WHERE h.run_id = p_run AND h.turn = p_turn AND h.id = p_hold AND h.user_id = p_user AND h.status = 'pending'
    RETURNING h.amount INTO reserved;
    IF NOT FOUND THEN
      IF EXISTS (SELECT FROM ledger_entries WHERE key = 'hold:' || p_hold) THEN RETURN; END IF;
      p_hold := NULL;
      reserved := 0;
    END IF;
  END IF;
  IF due > reserved THEN
    PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
    SELECT a.available INTO available FROM accounts AS a WHERE a.user_id = p_user FOR UPDATE;
    extra := least(available, due - reserved);
  END IF;
  unspent := reserved + extra;
  FOR i IN 1..calls LOOP
    call := p_calls->(i - 1);
    paid[i] := least((call->>'amount')::bigint, unspent);
    unspent := unspent - paid[i];
    INSERT INTO metered_calls (id, user_id, conversation_id, run_id, turn, attempt, call, purpose, agent_id, agent_name,
      connection_id, provider, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
      reasoning_tokens, estimated, price_version_id, rate_ppm, amount, charged, outcome)
    SELECT c.id, p_user, c.conversation_id, p_run, p_turn, p_attempt, c.call, c.purpose, c.agent_id, c.agent_name,
      c.connection_id, c.provider, c.model, c.input_tokens, c.cached_input_tokens, c.cache_write_tokens, c.output_tokens,
      c.reasoning_tokens, c.estimated, c.price_version_id, c.rate_ppm, c.amount, paid[i], 'charged'
    FROM jsonb_to_record(call) AS c (id uuid, conversation_id uuid, call integer, purpose text, agent_id uuid,
      agent_name text, connection_id uuid, provider text, model text, input_tokens integer, cached_input_tokens integer,
      cache_write_tokens integer, output_tokens integer, reasoning_tokens integer, estimated boolean,
      price_version_id uuid, rate_ppm integer, amount bigint);
  END LOOP;

  PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
  UPDATE accounts AS a SET available = a.available - extra + unspent, held = a.held - reserved,
    spent = a.spent + reserved + extra - unspent,
    entries = a.entries + (extra > 0)::integer + calls + (unspent > 0)::integer
  WHERE a.user_id = p_user RETURNING a.available, a.held, a.entries INTO available, held, last_number;
  IF NOT FOUND THEN RETURN; END IF;
  charged := reserved + extra - unspent;
  released := unspent;
  lost := due - charged;

  -- From the balances as they were after the extension the entries lead to what the account says now.
  held_after := held + charged + released;
  next_number := last_number - calls - (released > 0)::integer;
  IF extra > 0 THEN
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_extend_entry, p_user, next_number, CASE WHEN p_hold IS NULL THEN 'hold' ELSE 'extend' END, 'available',
      'held', extra, available - released, held_after, p_extend_key, p_run, p_turn, p_attempt, p_hold);
  END IF;
  FOR i IN 1..calls LOOP
    call := p_calls->(i - 1);
    cost := (call->>'amount')::bigint;
    next_number := next_number + 1;
    held_after := held_after - paid[i];
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, call_id, hold_id, description)
    VALUES ((call->>'id')::uuid, p_user, next_number, 'post', 'held', 'revenue', paid[i], available - released, held_after,
      'post:' || (call->>'key'), p_run, p_turn, p_attempt, (call->>'id')::uuid, p_hold, call->>'description');
    CONTINUE WHEN paid[i] = cost;
    INSERT INTO ledger_entries (id, user_id, kind, debit_account, credit_account, amount, key, run_id, turn, attempt,
      call_id, hold_id, description)
    VALUES ((call->>'loss_id')::uuid, p_user, 'loss', 'losses', 'revenue', cost - paid[i], 'loss:' || (call->>'key'),
      p_run, p_turn, p_attempt, (call->>'id')::uuid, p_hold, call->>'description');
  END LOOP;
  IF released > 0 THEN
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_release_entry, p_user, last_number, 'release', 'held', 'available', released, available, held,
      'release:' || p_hold, p_run, p_turn, p_attempt, p_hold);
  END IF;
END $$`

const RESERVE = `
CREATE OR REPLACE FUNCTION turn_reserve(p_run uuid, p_turn integer, p_token uuid, p_quote jsonb, p_least bigint, p_amount bigint,
  p_max_credits bigint, p_loss_allowance bigint, p_hold uuid, p_entry uuid)
RETURNS TABLE (outcome text, hold_id uuid, amount bigint, is_short boolean) LANGUAGE plpgsql AS $$
DECLARE
  turn turns;
  room bigint := p_amount;
  free bigint;
  others integer;
  api_key uuid := budget_of(p_run, p_turn);
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
      IF api_key IS NOT NULL THEN free := least(free, budget_left(api_key, now())); END IF;
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
END $$`

const RESERVE_BEFORE = `
CREATE OR REPLACE FUNCTION turn_reserve(p_run uuid, p_turn integer, p_token uuid, p_quote jsonb, p_least bigint, p_amount bigint,
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
END $$`

/** What is charged counts in a key's month, and a turn is given no more than is left of it. */
export class ChargeKeyBudgets1790000005830 implements MigrationInterface {
  name = 'ChargeKeyBudgets1790000005830'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(CHARGE)
    await queryRunner.query(RESERVE)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(CHARGE_BEFORE)
    await queryRunner.query(RESERVE_BEFORE)
  }
}
