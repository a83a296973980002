import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The ledger's operations. They are functions because on a hot account all others wait from the lock to the commit: one
 * round trip, with plans that the session keeps, does twice the settlements of the same as plain SQL.
 *
 * Each locks the hold and then the account (always in that order), decides on what it locked, moves the balances, and writes
 * entries whose numbers and balances follow from the locked account. A repetition by key finds the entry that the first one
 * wrote, because it looks only after it has the lock. A column that is added to a table of the ledger later needs new
 * versions of the functions that write whole rows of it.
 *
 * These are their first versions: `slim-ledger` has today's of all but `ledger_give`.
 *
 * The advisory lock is the account's queue: waiting there costs one sleep, while a crowd that waits for a row lock is woken again
 * and again and walks the row's versions each time. Whoever locks an account's row takes its place in the queue first, or
 * they deadlock; what is right rests on the row locks alone.
 */
const OPERATIONS = [
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

  // The hold is written before the wait for the account, and taken away again where the account does not cover it.
  `CREATE FUNCTION ledger_hold(p_hold uuid, p_entry uuid, p_user uuid, p_run uuid, p_turn integer, p_attempt integer,
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

  // Either the hold's id or its run and turn are given. Answers what was released, and what is available and held then;
  // null when nothing is pending.
  `CREATE FUNCTION ledger_void(p_hold uuid, p_run uuid, p_turn integer, p_entry uuid) RETURNS bigint[]
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

  // p_calls: an array of rows of metered_calls, each with loss_id, key and description besides. Every posting comes out of
  // held: what the hold does not cover is first moved there from available, as far as that goes. The calls are paid in
  // order; what remains of one is the platform's loss. What can be done before waiting for the account is done before.
  // Answers what was charged, released and lost, and what is available and held then; null when the hold is resolved
  // already, or there is no account.
  `CREATE FUNCTION ledger_charge(p_user uuid, p_hold uuid, p_run uuid, p_turn integer, p_attempt integer, p_calls jsonb,
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

  // p_calls as above; calls of this attempt that are charged or recorded already are left out. No account is touched.
  `CREATE FUNCTION ledger_lose(p_calls jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
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
 * The ledger outlives what it speaks of, so it has no foreign keys to users, runs or conversations. Amounts are
 * micro-credits. What is written once (entries, metered calls, price versions) can be neither edited nor removed.
 *
 * Hot tables have few CHECKs, those that money hangs on: each statement prepares a table's CHECKs anew, which for long ones
 * costs more than the insertion (25 us each: measured). The shape of entries is the functions' duty, and `ledger:verify`
 * looks at it.
 */
export class CreateLedger1790000000400 implements MigrationInterface {
  name = 'CreateLedger1790000000400'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE accounts (
        user_id uuid CONSTRAINT accounts_pk PRIMARY KEY,
        available bigint NOT NULL DEFAULT 0,
        held bigint NOT NULL DEFAULT 0,
        granted bigint NOT NULL DEFAULT 0,
        spent bigint NOT NULL DEFAULT 0,
        entries bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT accounts_available_not_negative CHECK (available >= 0),
        CONSTRAINT accounts_held_not_negative CHECK (held >= 0),
        CONSTRAINT accounts_add_up CHECK (available + held = granted - spent)
      ) WITH (fillfactor = 50)`)
    await queryRunner.query(`
      CREATE TABLE ledger_entries (
        id uuid CONSTRAINT ledger_entries_pk PRIMARY KEY,
        user_id uuid NOT NULL,
        number bigint,
        kind text NOT NULL,
        debit_account text NOT NULL,
        credit_account text NOT NULL,
        amount bigint NOT NULL,
        available_after bigint,
        held_after bigint,
        key text COLLATE "C" NOT NULL,
        run_id uuid,
        turn integer,
        attempt integer,
        call_id uuid,
        hold_id uuid,
        description text,
        created_by uuid,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT ledger_entries_amount_not_negative CHECK (amount >= 0)
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX ledger_entries_key_unique ON ledger_entries (key)')
    await queryRunner.query('CREATE UNIQUE INDEX ledger_entries_number_unique ON ledger_entries (user_id, number)')
    await queryRunner.query(`
      CREATE TABLE holds (
        id uuid CONSTRAINT holds_pk PRIMARY KEY,
        user_id uuid NOT NULL,
        run_id uuid NOT NULL,
        turn integer NOT NULL,
        attempt integer NOT NULL,
        claim_token uuid NOT NULL,
        amount bigint NOT NULL,
        released bigint NOT NULL DEFAULT 0,
        status text NOT NULL DEFAULT 'pending',
        created_at timestamptz NOT NULL DEFAULT now(),
        resolved_at timestamptz,
        CONSTRAINT holds_released_within CHECK (released >= 0 AND released <= amount)
      ) WITH (fillfactor = 70)`)
    await queryRunner.query(`CREATE UNIQUE INDEX holds_pending_turn ON holds (run_id, turn) WHERE status = 'pending'`)
    await queryRunner.query('CREATE INDEX holds_run ON holds (run_id)')
    await queryRunner.query(`
      CREATE TABLE metered_calls (
        id uuid CONSTRAINT metered_calls_pk PRIMARY KEY,
        user_id uuid NOT NULL,
        conversation_id uuid,
        run_id uuid,
        turn integer,
        attempt integer,
        call integer NOT NULL,
        purpose text NOT NULL,
        agent_id uuid,
        agent_name text,
        connection_id uuid,
        provider text NOT NULL,
        model text NOT NULL,
        input_tokens integer NOT NULL,
        cached_input_tokens integer NOT NULL,
        cache_write_tokens integer NOT NULL,
        output_tokens integer NOT NULL,
        reasoning_tokens integer NOT NULL,
        estimated boolean NOT NULL,
        price_version_id uuid NOT NULL,
        rate_ppm integer NOT NULL,
        amount bigint NOT NULL,
        charged bigint NOT NULL,
        outcome text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT metered_calls_tokens_not_negative CHECK (
          least(input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens) >= 0),
        CONSTRAINT metered_calls_charged_within CHECK (charged >= 0 AND charged <= amount)
      )`)
    await queryRunner.query(
      `CREATE UNIQUE INDEX metered_calls_lost_unique ON metered_calls (run_id, turn, attempt, call) WHERE outcome = 'lost'`,
    )
    await queryRunner.query(
      `CREATE UNIQUE INDEX metered_calls_charged_unique ON metered_calls (run_id, turn, call) WHERE outcome = 'charged'`,
    )
    await queryRunner.query('CREATE INDEX metered_calls_user ON metered_calls (user_id, created_at)')
    await queryRunner.query('CREATE INDEX metered_calls_losses ON metered_calls (id) WHERE charged < amount')
    await queryRunner.query(`
      CREATE TABLE price_versions (
        id uuid CONSTRAINT price_versions_pk PRIMARY KEY,
        price_id uuid NOT NULL,
        provider text NOT NULL,
        model text NOT NULL,
        input_per_mtok bigint NOT NULL,
        output_per_mtok bigint NOT NULL,
        cached_input_per_mtok bigint NOT NULL,
        cache_write_per_mtok bigint NOT NULL,
        reasoning_per_mtok bigint NOT NULL,
        per_call bigint NOT NULL,
        version integer NOT NULL,
        effective_from timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT price_versions_within_reason CHECK (
          input_per_mtok BETWEEN 0 AND 100000000000000 AND output_per_mtok BETWEEN 0 AND 100000000000000
          AND cached_input_per_mtok BETWEEN 0 AND 100000000000000 AND cache_write_per_mtok BETWEEN 0 AND 100000000000000
          AND reasoning_per_mtok BETWEEN 0 AND 100000000000000 AND per_call BETWEEN 0 AND 1000000000000),
        CONSTRAINT price_versions_wildcard_last CHECK (provider <> '*' OR model = '*')
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX price_versions_version_unique ON price_versions (price_id, version)')
    await queryRunner.query(
      'CREATE UNIQUE INDEX price_versions_model_unique ON price_versions (provider, model) WHERE version = 1',
    )
    await queryRunner.query('CREATE INDEX price_versions_current ON price_versions (provider, model, effective_from)')
    await queryRunner.query(`
      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
      END $$`)
    for (const table of ['ledger_entries', 'metered_calls', 'price_versions']) {
      await queryRunner.query(`
        CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`)
    }
    for (const definition of OPERATIONS) await queryRunner.query(definition)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE price_versions, metered_calls, holds, ledger_entries, accounts')
    await queryRunner.query(
      'DROP FUNCTION refuse_change, ledger_give, ledger_hold, ledger_extend, ledger_void, ledger_charge, ledger_lose',
    )
  }
}
