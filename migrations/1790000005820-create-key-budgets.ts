import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As they are at this migration, and as they were before it. Today's, and what they do, are in `src/credits/ledger.sql`. */
const OF = `
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
END $$`

const LEFT = `
CREATE FUNCTION budget_left(p_key uuid, p_at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT k.monthly_credits - coalesce(m.held + m.spent, 0) FROM api_keys k
  LEFT JOIN api_key_months m ON m.key_id = k.id AND m.month = date_trunc('month', p_at AT TIME ZONE 'UTC')::date
  WHERE k.id = p_key
$$`

const COUNT = `
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
END $$`

const HOLD = `
CREATE OR REPLACE FUNCTION ledger_hold(p_hold uuid, p_entry uuid, p_user uuid, p_run uuid, p_turn integer, p_attempt integer,
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
END $$`

const HOLD_BEFORE = `
CREATE OR REPLACE FUNCTION ledger_hold(p_hold uuid, p_entry uuid, p_user uuid, p_run uuid, p_turn integer, p_attempt integer,
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
END $$`

const EXTEND = `
CREATE OR REPLACE FUNCTION ledger_extend(p_entry uuid, p_run uuid, p_turn integer, p_hold uuid, p_amount bigint, p_key text)
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
END $$`

const EXTEND_BEFORE = `
CREATE OR REPLACE FUNCTION ledger_extend(p_entry uuid, p_run uuid, p_turn integer, p_hold uuid, p_amount bigint, p_key text)
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
END $$`

const VOID = `
CREATE OR REPLACE FUNCTION ledger_void(p_run uuid, p_turn integer, p_entry uuid,
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
END $$`

const VOID_BEFORE = `
CREATE OR REPLACE FUNCTION ledger_void(p_run uuid, p_turn integer, p_entry uuid,
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
END $$`

/** What a key's runs hold and cost is counted by month, where holds are taken. */
export class CreateKeyBudgets1790000005820 implements MigrationInterface {
  name = 'CreateKeyBudgets1790000005820'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE api_key_months (
        key_id uuid CONSTRAINT api_key_months_key_fk REFERENCES api_keys ON DELETE CASCADE,
        month date,
        budget bigint NOT NULL,
        held bigint NOT NULL,
        spent bigint NOT NULL,
        CONSTRAINT api_key_months_pk PRIMARY KEY (key_id, month),
        CONSTRAINT api_key_months_within CHECK (held >= 0 AND spent >= 0 AND held + spent <= budget)
      )`)
    await queryRunner.query('ALTER TABLE holds ADD COLUMN key_id uuid')
    await queryRunner.query(OF)
    await queryRunner.query(LEFT)
    await queryRunner.query(COUNT)
    await queryRunner.query(HOLD)
    await queryRunner.query(EXTEND)
    await queryRunner.query(VOID)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(HOLD_BEFORE)
    await queryRunner.query(EXTEND_BEFORE)
    await queryRunner.query(VOID_BEFORE)
    await queryRunner.query('DROP FUNCTION budget_count, budget_left, budget_of')
    await queryRunner.query('ALTER TABLE holds DROP COLUMN key_id')
    await queryRunner.query('DROP TABLE api_key_months')
  }
}
