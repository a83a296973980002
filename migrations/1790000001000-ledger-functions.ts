import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The ledger's functions as `src/credits/ledger.sql` had them when this was written; what they do is said there. Their answers
 * have names, and so have the columns of the calls that they are given.
 */
const FUNCTIONS = [
  `CREATE FUNCTION ledger_give(p_entry uuid, p_user uuid, p_kind text, p_amount bigint, p_key text, p_description text,
  p_created_by uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  account record;
  refunded bigint := CASE WHEN p_kind = 'refund' THEN p_amount ELSE 0 END;
  platform text := CASE WHEN p_kind = 'refund' THEN 'revenue' ELSE 'grants' END;
BEGIN
  PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
  SELECT available INTO account FROM accounts WHERE user_id = p_user FOR UPDATE;
  IF NOT FOUND THEN RETURN 'no_account'; END IF;
  IF EXISTS (SELECT FROM ledger_entries WHERE key = p_key) THEN RETURN 'repeated'; END IF;
  IF account.available + p_amount < 0 THEN RETURN 'insufficient'; END IF;
  UPDATE accounts SET available = available + p_amount, granted = granted + p_amount - refunded, spent = spent - refunded,
    entries = entries + 1
  WHERE user_id = p_user RETURNING available, held, entries INTO account;
  INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
    held_after, key, description, created_by)
  VALUES (p_entry, p_user, account.entries, p_kind,
    CASE WHEN p_amount < 0 THEN 'available' ELSE platform END,
    CASE WHEN p_amount < 0 THEN platform ELSE 'available' END,
    abs(p_amount), account.available, account.held, p_key, p_description, p_created_by);
  RETURN 'given';
END $$`,

  `CREATE FUNCTION ledger_hold(p_hold uuid, p_entry uuid, p_user uuid, p_run uuid, p_turn integer, p_attempt integer,
  p_claim_token uuid, p_amount bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  account record;
  pending record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO holds AS hold (id, user_id, run_id, turn, attempt, claim_token, amount)
  VALUES (p_hold, p_user, p_run, p_turn, p_attempt, p_claim_token, p_amount)
  ON CONFLICT (run_id, turn) DO UPDATE SET id = excluded.id, attempt = excluded.attempt,
    claim_token = excluded.claim_token, amount = excluded.amount, status = 'pending', created_at = now(),
    resolved_at = NULL
  WHERE hold.status <> 'pending';
  IF NOT FOUND THEN
    SELECT claim_token INTO pending FROM holds WHERE run_id = p_run AND turn = p_turn AND status = 'pending';
    RETURN CASE WHEN pending.claim_token = p_claim_token THEN 'repeated' ELSE 'other' END;
  END IF;
  PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
  UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
  WHERE user_id = p_user AND available >= p_amount RETURNING available, held, entries INTO account;
  IF NOT FOUND THEN
    UPDATE holds SET status = 'voided', amount = 0, resolved_at = now() WHERE run_id = p_run AND turn = p_turn;
    RETURN 'credits_exhausted';
  END IF;
  INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
    held_after, key, run_id, turn, attempt, hold_id)
  VALUES (p_entry, p_user, account.entries, 'hold', 'available', 'held', p_amount, account.available, account.held,
    'hold:' || p_hold, p_run, p_turn, p_attempt, p_hold);
  RETURN 'held';
END $$`,

  `CREATE FUNCTION ledger_extend(p_entry uuid, p_run uuid, p_turn integer, p_hold uuid, p_amount bigint, p_key text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  hold record;
  account record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT user_id, attempt INTO hold FROM holds
  WHERE run_id = p_run AND turn = p_turn AND id = p_hold AND status = 'pending' FOR UPDATE;
  IF NOT FOUND THEN RETURN 'resolved'; END IF;
  IF EXISTS (SELECT FROM ledger_entries WHERE key = p_key) THEN RETURN 'held'; END IF;
  PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
  UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
  WHERE user_id = hold.user_id AND available >= p_amount RETURNING available, held, entries INTO account;
  IF NOT FOUND THEN RETURN 'credits_exhausted'; END IF;
  UPDATE holds SET amount = amount + p_amount WHERE run_id = p_run AND turn = p_turn;
  INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
    held_after, key, run_id, turn, attempt, hold_id)
  VALUES (p_entry, hold.user_id, account.entries, 'extend', 'available', 'held', p_amount, account.available,
    account.held, p_key, p_run, p_turn, hold.attempt, p_hold);
  RETURN 'held';
END $$`,

  `CREATE FUNCTION ledger_void(p_run uuid, p_turn integer, p_entry uuid,
  OUT released bigint, OUT available bigint, OUT held bigint) LANGUAGE plpgsql AS $$
DECLARE
  hold record;
  number bigint;
BEGIN
  UPDATE holds AS h SET status = 'voided', released = h.released + h.amount, resolved_at = now()
  WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending'
  RETURNING h.id, h.user_id, h.attempt, h.amount INTO hold;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
  UPDATE accounts AS a SET available = a.available + hold.amount, held = a.held - hold.amount,
    entries = a.entries + (hold.amount > 0)::integer
  WHERE a.user_id = hold.user_id RETURNING a.available, a.held, a.entries INTO available, held, number;
  released := hold.amount;
  IF released > 0 THEN
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_entry, hold.user_id, number, 'release', 'held', 'available', released, available, held,
      'release:' || hold.id, p_run, p_turn, hold.attempt, hold.id);
  END IF;
END $$`,

  `CREATE FUNCTION ledger_charge(p_user uuid, p_hold uuid, p_run uuid, p_turn integer, p_attempt integer, p_calls jsonb,
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
END $$`,

  `CREATE FUNCTION ledger_lose(p_calls jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  metered record;
  lost bigint := 0;
BEGIN
  FOR metered IN
    SELECT given.* FROM jsonb_to_recordset(p_calls) AS given (id uuid, user_id uuid, conversation_id uuid, run_id uuid,
      turn integer, attempt integer, call integer, purpose text, agent_id uuid, agent_name text, connection_id uuid,
      provider text, model text, input_tokens integer, cached_input_tokens integer, cache_write_tokens integer,
      output_tokens integer, reasoning_tokens integer, estimated boolean, price_version_id uuid, rate_ppm integer,
      amount bigint, loss_id uuid, key text, description text)
  LOOP
    INSERT INTO metered_calls (id, user_id, conversation_id, run_id, turn, attempt, call, purpose, agent_id, agent_name,
      connection_id, provider, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
      reasoning_tokens, estimated, price_version_id, rate_ppm, amount, charged, outcome)
    VALUES (metered.id, metered.user_id, metered.conversation_id, metered.run_id, metered.turn, metered.attempt,
      metered.call, metered.purpose, metered.agent_id, metered.agent_name, metered.connection_id, metered.provider,
      metered.model, metered.input_tokens, metered.cached_input_tokens, metered.cache_write_tokens, metered.output_tokens,
      metered.reasoning_tokens, metered.estimated, metered.price_version_id, metered.rate_ppm, metered.amount, 0, 'lost')
    ON CONFLICT (run_id, turn, attempt, call) DO NOTHING;
    CONTINUE WHEN NOT FOUND;
    lost := lost + metered.amount;
    CONTINUE WHEN metered.amount = 0;
    INSERT INTO ledger_entries (id, user_id, kind, debit_account, credit_account, amount, key, run_id, turn, attempt,
      call_id, description)
    VALUES (metered.loss_id, metered.user_id, 'loss', 'losses', 'revenue', metered.amount, 'loss:' || metered.key,
      metered.run_id, metered.turn, metered.attempt, metered.id, metered.description);
  END LOOP;
  RETURN lost;
END $$`,
]

export class LedgerFunctions1790000001000 implements MigrationInterface {
  name = 'LedgerFunctions1790000001000'

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const definition of FUNCTIONS) await queryRunner.query(definition)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'DROP FUNCTION ledger_give, ledger_hold, ledger_extend, ledger_void, ledger_charge, ledger_lose',
    )
  }
}
