import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The ledger's functions of `create-ledger` and `slim-ledger`, for the way back: those in use, those that `slim-ledger` kept
 * for workers of the time before it, and those that it kept for its own way back.
 */
const BEFORE = [
  `CREATE FUNCTION ledger_give(p_entry uuid, p_user uuid, p_kind text, p_amount bigint, p_key text, p_description text,
    p_created_by uuid) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    account accounts;
    refunded bigint := CASE WHEN p_kind = 'refund' THEN p_amount ELSE 0 END;
    platform text := CASE WHEN p_kind = 'refund' THEN 'revenue' ELSE 'grants' END;
  BEGIN
    PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
    SELECT * INTO account FROM accounts WHERE user_id = p_user FOR UPDATE;
    IF NOT FOUND THEN RETURN 'no_account'; END IF;
    IF EXISTS (SELECT FROM ledger_entries WHERE key = p_key) THEN RETURN 'repeated'; END IF;
    IF account.available + p_amount < 0 THEN RETURN 'insufficient'; END IF;
    UPDATE accounts SET available = available + p_amount, granted = granted + p_amount - refunded, spent = spent - refunded,
      entries = entries + 1
    WHERE user_id = p_user RETURNING * INTO account;
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
    account accounts;
    pending holds;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO holds AS hold (id, user_id, run_id, turn, attempt, claim_token, amount)
    VALUES (p_hold, p_user, p_run, p_turn, p_attempt, p_claim_token, p_amount)
    ON CONFLICT (run_id, turn) DO UPDATE SET id = excluded.id, attempt = excluded.attempt,
      claim_token = excluded.claim_token, amount = excluded.amount, status = 'pending', created_at = now(),
      resolved_at = NULL
    WHERE hold.status <> 'pending';
    IF NOT FOUND THEN
      SELECT * INTO pending FROM holds WHERE run_id = p_run AND turn = p_turn AND status = 'pending';
      RETURN CASE WHEN pending.claim_token = p_claim_token THEN 'repeated' ELSE 'other' END;
    END IF;
    PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
    UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
    WHERE user_id = p_user AND available >= p_amount RETURNING * INTO account;
    IF NOT FOUND THEN
      UPDATE holds SET status = 'voided', amount = 0, resolved_at = now() WHERE run_id = p_run AND turn = p_turn;
      RETURN 'insufficient';
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
    hold holds;
    account accounts;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO hold FROM holds
    WHERE run_id = p_run AND turn = p_turn AND id = p_hold AND status = 'pending' FOR UPDATE;
    IF NOT FOUND THEN RETURN 'resolved'; END IF;
    IF EXISTS (SELECT FROM ledger_entries WHERE key = p_key) THEN RETURN 'held'; END IF;
    PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
    UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
    WHERE user_id = hold.user_id AND available >= p_amount RETURNING * INTO account;
    IF NOT FOUND THEN RETURN 'insufficient'; END IF;
    UPDATE holds SET amount = amount + p_amount WHERE run_id = p_run AND turn = p_turn;
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_entry, hold.user_id, account.entries, 'extend', 'available', 'held', p_amount, account.available,
      account.held, p_key, hold.run_id, hold.turn, hold.attempt, p_hold);
    RETURN 'held';
  END $$`,

  `CREATE FUNCTION ledger_void(p_run uuid, p_turn integer, p_entry uuid) RETURNS bigint[] LANGUAGE plpgsql AS $$
  DECLARE
    hold holds;
    account accounts;
  BEGIN
    UPDATE holds SET status = 'voided', released = released + amount, resolved_at = now()
    WHERE run_id = p_run AND turn = p_turn AND status = 'pending' RETURNING * INTO hold;
    IF NOT FOUND THEN RETURN NULL; END IF;
    PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
    UPDATE accounts SET available = available + hold.amount, held = held - hold.amount,
      entries = entries + (hold.amount > 0)::integer
    WHERE user_id = hold.user_id RETURNING * INTO account;
    IF hold.amount > 0 THEN
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, hold_id)
      VALUES (p_entry, hold.user_id, account.entries, 'release', 'held', 'available', hold.amount, account.available,
        account.held, 'release:' || hold.id, hold.run_id, hold.turn, hold.attempt, hold.id);
    END IF;
    RETURN ARRAY[hold.amount, account.available, account.held];
  END $$`,

  `CREATE FUNCTION ledger_void(p_hold uuid, p_run uuid, p_turn integer, p_entry uuid) RETURNS bigint[]
  LANGUAGE sql AS $$
    SELECT ledger_void(run_id, turn, p_entry) FROM holds
    WHERE id = p_hold OR (p_hold IS NULL AND run_id = p_run AND turn = p_turn)
  $$`,

  `CREATE FUNCTION ledger_charge(p_user uuid, p_hold uuid, p_run uuid, p_turn integer, p_attempt integer,
    p_calls jsonb, p_extend_entry uuid, p_extend_key text, p_release_entry uuid) RETURNS bigint[] LANGUAGE plpgsql AS $$
  DECLARE
    account accounts;
    calls integer := jsonb_array_length(p_calls);
    metered metered_calls[];
    call metered_calls;
    item jsonb;
    due bigint := 0;
    reserved bigint := 0;
    extra bigint := 0;
    unspent bigint;
    spending bigint;
    next_number bigint;
    held_after bigint;
  BEGIN
    FOR i IN 1..calls LOOP
      due := due + (p_calls->(i - 1)->>'amount')::bigint;
    END LOOP;
    IF p_hold IS NOT NULL THEN
      UPDATE holds SET status = 'posted', released = released + greatest(amount - due, 0), resolved_at = now()
      WHERE run_id = p_run AND turn = p_turn AND id = p_hold AND user_id = p_user AND status = 'pending'
      RETURNING amount INTO reserved;
      IF NOT FOUND THEN
        IF EXISTS (SELECT FROM ledger_entries WHERE key = 'hold:' || p_hold) THEN RETURN NULL; END IF;
        p_hold := NULL;
        reserved := 0;
      END IF;
    END IF;
    IF due > reserved THEN
      PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
      SELECT * INTO account FROM accounts WHERE user_id = p_user FOR UPDATE;
      extra := least(account.available, due - reserved);
    END IF;
    unspent := reserved + extra;
    FOR i IN 1..calls LOOP
      call := jsonb_populate_record(NULL::metered_calls, p_calls->(i - 1));
      call.charged := least(call.amount, unspent);
      unspent := unspent - call.charged;
      INSERT INTO metered_calls (id, user_id, conversation_id, run_id, turn, attempt, call, purpose, agent_id, agent_name,
        connection_id, provider, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
        reasoning_tokens, estimated, price_version_id, rate_ppm, amount, charged, outcome)
      VALUES (call.id, call.user_id, call.conversation_id, call.run_id, call.turn, call.attempt, call.call, call.purpose,
        call.agent_id, call.agent_name, call.connection_id, call.provider, call.model, call.input_tokens,
        call.cached_input_tokens, call.cache_write_tokens, call.output_tokens, call.reasoning_tokens, call.estimated,
        call.price_version_id, call.rate_ppm, call.amount, call.charged, 'charged');
      metered[i] := call;
    END LOOP;
    spending := reserved + extra - unspent;

    PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
    UPDATE accounts SET available = available - extra + unspent, held = held - reserved, spent = spent + spending,
      entries = entries + (extra > 0)::integer + calls + (unspent > 0)::integer
    WHERE user_id = p_user RETURNING * INTO account;
    IF NOT FOUND THEN RETURN NULL; END IF;

    -- From the balances as they were after the extension the entries lead to what the account says now.
    held_after := account.held + spending + unspent;
    next_number := account.entries - calls - (unspent > 0)::integer;
    IF extra > 0 THEN
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, hold_id)
      VALUES (p_extend_entry, p_user, next_number, CASE WHEN p_hold IS NULL THEN 'hold' ELSE 'extend' END, 'available',
        'held', extra, account.available - unspent, held_after, p_extend_key, p_run, p_turn, p_attempt, p_hold);
    END IF;
    FOR i IN 1..calls LOOP
      item := p_calls->(i - 1);
      call := metered[i];
      next_number := next_number + 1;
      held_after := held_after - call.charged;
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, call_id, hold_id, description)
      VALUES (call.id, p_user, next_number, 'post', 'held', 'revenue', call.charged, account.available - unspent, held_after,
        'post:' || (item->>'key'), p_run, p_turn, p_attempt, call.id, p_hold, item->>'description');
      CONTINUE WHEN call.charged = call.amount;
      INSERT INTO ledger_entries (id, user_id, kind, debit_account, credit_account, amount, key, run_id, turn, attempt,
        call_id, hold_id, description)
      VALUES ((item->>'loss_id')::uuid, p_user, 'loss', 'losses', 'revenue', call.amount - call.charged,
        'loss:' || (item->>'key'), p_run, p_turn, p_attempt, call.id, p_hold, item->>'description');
    END LOOP;
    IF unspent > 0 THEN
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, hold_id)
      VALUES (p_release_entry, p_user, account.entries, 'release', 'held', 'available', unspent, account.available,
        account.held, 'release:' || p_hold, p_run, p_turn, p_attempt, p_hold);
    END IF;
    RETURN ARRAY[spending, unspent, due - spending, account.available, account.held];
  END $$`,

  `CREATE FUNCTION ledger_lose(p_calls jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    metered metered_calls;
    item jsonb;
    lost bigint := 0;
  BEGIN
    FOR item IN SELECT jsonb_array_elements(p_calls) LOOP
      metered := jsonb_populate_record(NULL::metered_calls, item);
      metered.charged := 0;
      metered.outcome := 'lost';
      metered.created_at := clock_timestamp();
      INSERT INTO metered_calls VALUES (metered.*) ON CONFLICT (run_id, turn, attempt, call) DO NOTHING;
      CONTINUE WHEN NOT FOUND;
      lost := lost + metered.amount;
      CONTINUE WHEN metered.amount = 0;
      INSERT INTO ledger_entries (id, user_id, kind, debit_account, credit_account, amount, key, run_id, turn, attempt,
        call_id, description)
      VALUES ((item->>'loss_id')::uuid, metered.user_id, 'loss', 'losses', 'revenue', metered.amount,
        'loss:' || (item->>'key'), metered.run_id, metered.turn, metered.attempt, metered.id, item->>'description');
    END LOOP;
    RETURN lost;
  END $$`,

  `CREATE FUNCTION ledger_extend(p_entry uuid, p_hold uuid, p_amount bigint, p_key text) RETURNS text
  LANGUAGE plpgsql AS $$
  DECLARE
    hold holds;
    account accounts;
  BEGIN
    SELECT * INTO hold FROM holds WHERE id = p_hold AND status = 'pending' FOR UPDATE;
    IF NOT FOUND THEN RETURN 'resolved'; END IF;
    IF EXISTS (SELECT FROM ledger_entries WHERE key = p_key) THEN RETURN 'held'; END IF;
    PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
    UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
    WHERE user_id = hold.user_id AND available >= p_amount RETURNING * INTO account;
    IF NOT FOUND THEN RETURN 'insufficient'; END IF;
    UPDATE holds SET amount = amount + p_amount WHERE id = p_hold;
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_entry, hold.user_id, account.entries, 'extend', 'available', 'held', p_amount, account.available,
      account.held, p_key, hold.run_id, hold.turn, hold.attempt, p_hold);
    RETURN 'held';
  END $$`,

  `CREATE FUNCTION ledger_hold_before(p_hold uuid, p_entry uuid, p_user uuid, p_run uuid, p_turn integer, p_attempt integer,
    p_claim_token uuid, p_amount bigint) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    account accounts;
    pending holds;
  BEGIN
    INSERT INTO holds (id, user_id, run_id, turn, attempt, claim_token, amount)
    VALUES (p_hold, p_user, p_run, p_turn, p_attempt, p_claim_token, p_amount)
    ON CONFLICT (run_id, turn) WHERE status = 'pending' DO NOTHING;
    IF NOT FOUND THEN
      SELECT * INTO pending FROM holds WHERE run_id = p_run AND turn = p_turn AND status = 'pending';
      RETURN CASE WHEN pending.claim_token = p_claim_token THEN 'repeated' ELSE 'other' END;
    END IF;
    PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
    UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
    WHERE user_id = p_user AND available >= p_amount RETURNING * INTO account;
    IF NOT FOUND THEN
      DELETE FROM holds WHERE id = p_hold;
      RETURN 'insufficient';
    END IF;
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_entry, p_user, account.entries, 'hold', 'available', 'held', p_amount, account.available, account.held,
      'hold:' || p_hold, p_run, p_turn, p_attempt, p_hold);
    RETURN 'held';
  END $$`,

  `CREATE FUNCTION ledger_void_before(p_hold uuid, p_run uuid, p_turn integer, p_entry uuid) RETURNS bigint[]
  LANGUAGE plpgsql AS $$
  DECLARE
    hold holds;
    account accounts;
  BEGIN
    IF p_hold IS NOT NULL THEN
      UPDATE holds SET status = 'voided', released = amount, resolved_at = now()
      WHERE id = p_hold AND status = 'pending' RETURNING * INTO hold;
    ELSE
      UPDATE holds SET status = 'voided', released = amount, resolved_at = now()
      WHERE run_id = p_run AND turn = p_turn AND status = 'pending' RETURNING * INTO hold;
    END IF;
    IF hold.id IS NULL THEN RETURN NULL; END IF;
    PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
    UPDATE accounts SET available = available + hold.amount, held = held - hold.amount,
      entries = entries + (hold.amount > 0)::integer
    WHERE user_id = hold.user_id RETURNING * INTO account;
    IF hold.amount > 0 THEN
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, hold_id)
      VALUES (p_entry, hold.user_id, account.entries, 'release', 'held', 'available', hold.amount, account.available,
        account.held, 'release:' || hold.id, hold.run_id, hold.turn, hold.attempt, hold.id);
    END IF;
    RETURN ARRAY[hold.amount, account.available, account.held];
  END $$`,

  `CREATE FUNCTION ledger_charge_before(p_user uuid, p_hold uuid, p_run uuid, p_turn integer, p_attempt integer, p_calls jsonb,
    p_extend_entry uuid, p_extend_key text, p_release_entry uuid) RETURNS bigint[] LANGUAGE plpgsql AS $$
  DECLARE
    account accounts;
    calls integer := jsonb_array_length(p_calls);
    metered metered_calls[];
    call metered_calls;
    item jsonb;
    due bigint := 0;
    reserved bigint := 0;
    extra bigint := 0;
    unspent bigint;
    spending bigint;
    next_number bigint;
    held_after bigint;
  BEGIN
    FOR i IN 1..calls LOOP
      due := due + (p_calls->(i - 1)->>'amount')::bigint;
    END LOOP;
    IF p_hold IS NOT NULL THEN
      UPDATE holds SET status = 'posted', released = greatest(amount - due, 0), resolved_at = now()
      WHERE id = p_hold AND user_id = p_user AND status = 'pending' RETURNING amount INTO reserved;
      IF NOT FOUND THEN RETURN NULL; END IF;
    END IF;
    IF due > reserved THEN
      PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
      SELECT * INTO account FROM accounts WHERE user_id = p_user FOR UPDATE;
      extra := least(account.available, due - reserved);
    END IF;
    unspent := reserved + extra;
    FOR i IN 1..calls LOOP
      call := jsonb_populate_record(NULL::metered_calls, p_calls->(i - 1));
      call.charged := least(call.amount, unspent);
      call.outcome := 'charged';
      call.created_at := clock_timestamp();
      unspent := unspent - call.charged;
      INSERT INTO metered_calls VALUES (call.*);
      metered[i] := call;
    END LOOP;
    spending := reserved + extra - unspent;

    PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
    UPDATE accounts SET available = available - extra + unspent, held = held - reserved, spent = spent + spending,
      entries = entries + (extra > 0)::integer + calls + (unspent > 0)::integer
    WHERE user_id = p_user RETURNING * INTO account;
    IF NOT FOUND THEN RETURN NULL; END IF;

    -- From the balances as they were after the extension the entries lead to what the account says now.
    held_after := account.held + spending + unspent;
    next_number := account.entries - calls - (unspent > 0)::integer;
    IF extra > 0 THEN
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, hold_id)
      VALUES (p_extend_entry, p_user, next_number, CASE WHEN p_hold IS NULL THEN 'hold' ELSE 'extend' END, 'available',
        'held', extra, account.available - unspent, held_after, p_extend_key, p_run, p_turn, p_attempt, p_hold);
    END IF;
    FOR i IN 1..calls LOOP
      item := p_calls->(i - 1);
      call := metered[i];
      next_number := next_number + 1;
      held_after := held_after - call.charged;
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, call_id, hold_id, description)
      VALUES (call.id, p_user, next_number, 'post', 'held', 'revenue', call.charged, account.available - unspent, held_after,
        'post:' || (item->>'key'), p_run, p_turn, p_attempt, call.id, p_hold, item->>'description');
      CONTINUE WHEN call.charged = call.amount;
      INSERT INTO ledger_entries (id, user_id, kind, debit_account, credit_account, amount, key, run_id, turn, attempt,
        call_id, hold_id, description)
      VALUES ((item->>'loss_id')::uuid, p_user, 'loss', 'losses', 'revenue', call.amount - call.charged,
        'loss:' || (item->>'key'), p_run, p_turn, p_attempt, call.id, p_hold, item->>'description');
    END LOOP;
    IF unspent > 0 THEN
      INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
        held_after, key, run_id, turn, attempt, hold_id)
      VALUES (p_release_entry, p_user, account.entries, 'release', 'held', 'available', unspent, account.available,
        account.held, 'release:' || p_hold, p_run, p_turn, p_attempt, p_hold);
    END IF;
    RETURN ARRAY[spending, unspent, due - spending, account.available, account.held];
  END $$`,

  `CREATE FUNCTION ledger_lose_before(p_calls jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    metered metered_calls;
    item jsonb;
    lost bigint := 0;
  BEGIN
    FOR item IN SELECT jsonb_array_elements(p_calls) LOOP
      metered := jsonb_populate_record(NULL::metered_calls, item);
      CONTINUE WHEN EXISTS (SELECT FROM metered_calls c WHERE c.run_id = metered.run_id AND c.turn = metered.turn
        AND c.call = metered.call AND c.attempt = metered.attempt AND c.outcome = 'charged');
      metered.charged := 0;
      metered.outcome := 'lost';
      metered.created_at := clock_timestamp();
      INSERT INTO metered_calls VALUES (metered.*) ON CONFLICT (run_id, turn, attempt, call) WHERE outcome = 'lost' DO NOTHING;
      CONTINUE WHEN NOT FOUND;
      lost := lost + metered.amount;
      CONTINUE WHEN metered.amount = 0;
      INSERT INTO ledger_entries (id, user_id, kind, debit_account, credit_account, amount, key, run_id, turn, attempt,
        call_id, description)
      VALUES ((item->>'loss_id')::uuid, metered.user_id, 'loss', 'losses', 'revenue', metered.amount,
        'loss:' || (item->>'key'), metered.run_id, metered.turn, metered.attempt, metered.id, item->>'description');
    END LOOP;
    RETURN lost;
  END $$`,
]

/**
 * Makes room for `ledger-functions`. Calls of these functions fail from here on in processes of the version before, and their
 * transactions roll back, so that no money is at stake. Let them drain first; a turn that one of them still has is run again by
 * the worker that takes it over.
 */
export class DropOldLedgerFunctions1790000000990 implements MigrationInterface {
  name = 'DropOldLedgerFunctions1790000000990'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP FUNCTION ledger_give, ledger_hold, ledger_extend(uuid, uuid, integer, uuid, bigint, text),
        ledger_extend(uuid, uuid, bigint, text), ledger_void(uuid, uuid, integer, uuid), ledger_void(uuid, integer, uuid),
        ledger_charge, ledger_lose, ledger_hold_before, ledger_void_before, ledger_charge_before, ledger_lose_before`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const definition of BEFORE) await queryRunner.query(definition)
  }
}
