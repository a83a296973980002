-- The ledger's functions, as they are today. This file is what to read and what to edit; no program runs it.
--
-- A migration carries a changed function to the database, with the text of that day in full. A test creates the functions
-- of this file beside those of a migrated database and compares them, and another one performs the examples below.
--
-- They are functions because on a hot account all others wait from the lock to the commit: one round trip, with plans that the
-- session keeps, does twice the settlements of the same as plain SQL.
--
-- Each locks the hold and then the account (always in that order), decides on what it locked, moves the balances, and writes
-- entries whose numbers and balances follow from the locked account. A repetition by key finds the entry that the first one
-- wrote, because it looks only after it has the lock.
--
-- pg_advisory_xact_lock(400, ...) is the account's queue (`account` in src/database/advisory-lock.ts): waiting there
-- costs one sleep, while a crowd that waits for a row lock is woken again and again and walks the row's versions each time.
-- Whoever locks an account's row takes its place in the queue first, or they deadlock; what is right rests on the row locks
-- alone.
--
-- Hot tables have few CHECKs, those that money hangs on: each statement prepares a table's CHECKs anew, which for long ones
-- costs more than the insertion. The shape of entries is the duty of these functions, and `ledger:verify` looks at it.
--
-- A function must keep the type of its answer or take another name: connections that are open have its calls prepared.
--
-- Words: a hold reserves credits for a turn's attempt; a charge is what a user pays for calls, each of which is one posting
-- (kind `post`) from `held` to the platform's `revenue`; a release gives back what is left of a hold; a loss is what nobody
-- could be charged for. Amounts are micro-credits.
--
-- The examples show an account before and after, what the function answers, and the entries that it writes: their kind, the
-- account that is debited and the one that is credited, the amount, and what is available and held after it.


-- Whose budget a turn's credits count in: the API key, one with a budget, by which its run was asked for. Null for none. Titles and
-- summaries (negative turns; p_run is their conversation) count in that of the conversation's newest run.
CREATE FUNCTION budget_of(p_run uuid, p_turn integer) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
  key uuid;
BEGIN
  IF p_turn < 0 THEN
    SELECT (r.origin->>'keyId')::uuid INTO key FROM runs r WHERE r.conversation_id = p_run ORDER BY r.id DESC LIMIT 1;
  ELSE
    SELECT (r.origin->>'keyId')::uuid INTO key FROM runs r WHERE r.id = p_run;
  END IF;
  IF key IS NULL THEN RETURN NULL; END IF;
  RETURN (SELECT k.id FROM api_keys k WHERE k.id = key AND k.monthly_credits IS NOT NULL);
END $$;

-- What a key's budget has left in the month (UTC) of this moment; null for a key without one.
CREATE FUNCTION budget_left(p_key uuid, p_at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT k.monthly_credits - coalesce(m.held + m.spent, 0) FROM api_keys k
  LEFT JOIN api_key_months m ON m.key_id = k.id AND m.month = date_trunc('month', p_at AT TIME ZONE 'UTC')::date
  WHERE k.id = p_key
$$;

-- Counts what is held and spent in a key's month; false, and nothing is counted, where that would be more than its budget. A hold counts
-- in the month in which it was taken, with all that comes of it. Whoever calls it is in the account's queue.
CREATE FUNCTION budget_count(p_key uuid, p_at timestamptz, p_held bigint, p_spent bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  first date := date_trunc('month', p_at AT TIME ZONE 'UTC')::date;
BEGIN
  UPDATE api_key_months m SET held = m.held + p_held, spent = m.spent + p_spent
  WHERE m.key_id = p_key AND m.month = first AND m.held + m.spent + p_held + p_spent <= m.budget;
  IF FOUND THEN RETURN true; END IF;
  INSERT INTO api_key_months (key_id, month, budget, held, spent)
  SELECT k.id, first, k.monthly_credits, p_held, p_spent FROM api_keys k
  WHERE k.id = p_key AND p_held >= 0 AND p_held + p_spent <= k.monthly_credits
  ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;


-- Adds credits to what is available, or takes them from there (a negative adjustment), once per key. Answers `given`,
-- `repeated`, `insufficient` or `no_account`.
--
-- Example: an account that was just opened is granted 1000.
--
--                available    held   granted   spent
--   before               0       0         0       0
--   after             1000       0      1000       0
--   answer           given
--   entry            grant  grants   available    1000    1000    0
CREATE FUNCTION ledger_give(p_entry uuid, p_user uuid, p_kind text, p_amount bigint, p_key text, p_description text,
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
END $$;


-- Reserves credits for an attempt at a turn. A turn has one row of holds, taken again by each attempt. Answers `held`,
-- `insufficient`, `repeated` (this claim has its hold already) or `other` (another claim's hold is pending).
--
-- A transaction that takes or raises a hold does not wait for the disk: a crash of the database within the last second may
-- forget it, and the settlement then takes all from available. Whatever commits later waits for what came before it, so
-- what is charged is never forgotten, nor the hold that it was charged from.
--
-- The hold is written before the wait for the account, and resolved again where the account does not cover it, nor the budget of the
-- API key by which the run was asked for (`budget_of`).
--
-- Example: a turn holds 100.
--
--                available    held   granted   spent
--   before            1000       0      1000       0
--   after              900     100      1000       0
--   answer            held
--   entry             hold   available  held     100     900  100
CREATE FUNCTION ledger_hold(p_hold uuid, p_entry uuid, p_user uuid, p_run uuid, p_turn integer, p_attempt integer,
  p_claim_token uuid, p_amount bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  account record;
  pending record;
  api_key uuid := budget_of(p_run, p_turn);
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO holds AS hold (id, user_id, run_id, turn, attempt, claim_token, amount, key_id)
  VALUES (p_hold, p_user, p_run, p_turn, p_attempt, p_claim_token, p_amount, api_key)
  ON CONFLICT (run_id, turn) DO UPDATE SET id = excluded.id, attempt = excluded.attempt,
    claim_token = excluded.claim_token, amount = excluded.amount, key_id = excluded.key_id, status = 'pending',
    created_at = now(), resolved_at = NULL
  WHERE hold.status <> 'pending';
  IF NOT FOUND THEN
    SELECT claim_token INTO pending FROM holds WHERE run_id = p_run AND turn = p_turn AND status = 'pending';
    RETURN CASE WHEN pending.claim_token = p_claim_token THEN 'repeated' ELSE 'other' END;
  END IF;
  PERFORM pg_advisory_xact_lock(400, uuid_hash(p_user));
  IF api_key IS NOT NULL AND NOT budget_count(api_key, now(), p_amount, 0) THEN
    UPDATE holds SET status = 'voided', amount = 0, resolved_at = now() WHERE run_id = p_run AND turn = p_turn;
    RETURN 'credits_exhausted';
  END IF;
  UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
  WHERE user_id = p_user AND available >= p_amount RETURNING available, held, entries INTO account;
  IF NOT FOUND THEN
    UPDATE holds SET status = 'voided', amount = 0, resolved_at = now() WHERE run_id = p_run AND turn = p_turn;
    IF api_key IS NOT NULL THEN PERFORM budget_count(api_key, now(), -p_amount, 0); END IF;
    RETURN 'credits_exhausted';
  END IF;
  INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
    held_after, key, run_id, turn, attempt, hold_id)
  VALUES (p_entry, p_user, account.entries, 'hold', 'available', 'held', p_amount, account.available, account.held,
    'hold:' || p_hold, p_run, p_turn, p_attempt, p_hold);
  RETURN 'held';
END $$;


-- Raises a turn's pending hold, once per key. Commits as `ledger_hold` does. Answers `held`, `insufficient` or `resolved`.
--
-- Example: the hold of 100 is raised by 50.
--
--                available    held   granted   spent
--   before             900     100      1000       0
--   after              850     150      1000       0
--   answer            held
--   entry           extend   available  held      50     850  150
CREATE FUNCTION ledger_extend(p_entry uuid, p_run uuid, p_turn integer, p_hold uuid, p_amount bigint, p_key text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  hold record;
  account record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT user_id, attempt, key_id, created_at INTO hold FROM holds
  WHERE run_id = p_run AND turn = p_turn AND id = p_hold AND status = 'pending' FOR UPDATE;
  IF NOT FOUND THEN RETURN 'resolved'; END IF;
  IF EXISTS (SELECT FROM ledger_entries WHERE key = p_key) THEN RETURN 'held'; END IF;
  PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
  IF hold.key_id IS NOT NULL AND NOT budget_count(hold.key_id, hold.created_at, p_amount, 0) THEN
    RETURN 'credits_exhausted';
  END IF;
  UPDATE accounts SET available = available - p_amount, held = held + p_amount, entries = entries + 1
  WHERE user_id = hold.user_id AND available >= p_amount RETURNING available, held, entries INTO account;
  IF NOT FOUND THEN
    IF hold.key_id IS NOT NULL THEN PERFORM budget_count(hold.key_id, hold.created_at, -p_amount, 0); END IF;
    RETURN 'credits_exhausted';
  END IF;
  UPDATE holds SET amount = amount + p_amount WHERE run_id = p_run AND turn = p_turn;
  INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
    held_after, key, run_id, turn, attempt, hold_id)
  VALUES (p_entry, hold.user_id, account.entries, 'extend', 'available', 'held', p_amount, account.available,
    account.held, p_key, p_run, p_turn, hold.attempt, p_hold);
  RETURN 'held';
END $$;


-- Gives a turn's pending hold back whole. Answers what was released, and what is available and held then; all of it null
-- when nothing is pending.
--
-- Example: the turn that holds 100 is cancelled before it called a model.
--
--                available    held   granted   spent
--   before             900     100      1000       0
--   after             1000       0      1000       0
--   answer    released 100   available 1000   held 0
--   entry          release   held  available     100    1000    0
CREATE FUNCTION ledger_void(p_run uuid, p_turn integer, p_entry uuid,
  OUT released bigint, OUT available bigint, OUT held bigint) LANGUAGE plpgsql AS $$
DECLARE
  hold record;
  number bigint;
BEGIN
  UPDATE holds AS h SET status = 'voided', released = h.released + h.amount, resolved_at = now()
  WHERE h.run_id = p_run AND h.turn = p_turn AND h.status = 'pending'
  RETURNING h.id, h.user_id, h.attempt, h.amount, h.key_id, h.created_at INTO hold;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(400, uuid_hash(hold.user_id));
  UPDATE accounts AS a SET available = a.available + hold.amount, held = a.held - hold.amount,
    entries = a.entries + (hold.amount > 0)::integer
  WHERE a.user_id = hold.user_id RETURNING a.available, a.held, a.entries INTO available, held, number;
  released := hold.amount;
  IF hold.key_id IS NOT NULL THEN PERFORM budget_count(hold.key_id, hold.created_at, -released, 0); END IF;
  IF released > 0 THEN
    INSERT INTO ledger_entries (id, user_id, number, kind, debit_account, credit_account, amount, available_after,
      held_after, key, run_id, turn, attempt, hold_id)
    VALUES (p_entry, hold.user_id, number, 'release', 'held', 'available', released, available, held,
      'release:' || hold.id, p_run, p_turn, hold.attempt, hold.id);
  END IF;
END $$;


-- Charges an attempt's calls and resolves its hold; without a hold, charges calls from what is available.
--
-- p_calls is an array of objects, one a call: columns of metered_calls, and `loss_id`, `key` and `description` for its entries.
-- Whose the calls are, and of which attempt, is said by the other parameters.
--
-- Every posting comes out of held: what the hold does not cover is first moved there from available, as far as that goes.
-- The calls are paid in order; what remains of one is the platform's loss. What can be done before waiting for the account is
-- done before. A hold that has no entry was forgotten by a crash of the database: the charge is then taken from available.
--
-- What counts in the budget of an API key is paid from available only as far as that reaches. A title or a summary was held for in its
-- conversation's name, and counts where its hold did, which this transaction has just given back.
--
-- Answers what was charged, released and lost, and what is available and held then; all of it null when the hold is resolved
-- already, or there is no account.
--
-- Example: a turn that holds 150 made two calls, of 30 and of 90.
--
--                available    held   granted   spent
--   before             850     150      1000       0
--   calls               30      90
--   after              880       0      1000     120
--   answer     charged 120   released 30   lost 0   available 880   held 0
--   entry             post   held  revenue        30     850  120
--   entry             post   held  revenue        90     850   30
--   entry          release   held  available      30     880    0
--
-- Example: a turn that holds 40 made calls of 30 and of 100, and the account has 60 besides.
-- The second call is paid as far as hold and balance reach.
--
--                available    held   granted   spent
--   before              60      40       100       0
--   calls               30     100
--   after                0       0       100     100
--   answer     charged 100   released 0   lost 30   available 0   held 0
--   entry           extend   available  held      60       0  100
--   entry             post   held  revenue        30       0   70
--   entry             post   held  revenue        70       0    0
--   entry             loss   losses  revenue      30       -    -
CREATE FUNCTION ledger_charge(p_user uuid, p_hold uuid, p_run uuid, p_turn integer, p_attempt integer, p_calls jsonb,
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
END $$;


-- Records calls of an attempt that came to nothing, at the platform's cost; those that are charged or recorded already are
-- left out. No account is touched. p_calls is as above, with `user_id`, `run_id`, `turn` and `attempt` in each object. Answers
-- what was lost.
--
-- Example: a model's answer of 25 was cut off by a crash.
--
--                available    held   granted   spent
--   before             100       0       100       0
--   calls               25
--   after              100       0       100       0
--   answer         lost 25
--   entry             loss   losses  revenue      25       -    -
CREATE FUNCTION ledger_lose(p_calls jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
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
END $$;
