import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateRuns1790000000600 implements MigrationInterface {
  name = 'CreateRuns1790000000600'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE runs (
        id uuid CONSTRAINT runs_pk PRIMARY KEY,
        conversation_id uuid NOT NULL CONSTRAINT runs_conversation_fk REFERENCES conversations (id) ON DELETE CASCADE,
        user_id uuid NOT NULL,
        status text NOT NULL,
        strategy text NOT NULL,
        agent_ids uuid array NOT NULL,
        max_turns integer NOT NULL,
        max_rounds integer,
        max_credits bigint,
        max_seconds integer,
        stop_phrase text,
        cursor integer NOT NULL DEFAULT 0,
        stop_reason text,
        error_code text,
        error_message text,
        cancel_requested_at timestamptz,
        cancel_reason text,
        regenerates uuid,
        deadline_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz,
        CONSTRAINT runs_status_known CHECK (status IN ('pending', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled'))
      )`)
    await queryRunner.query(
      `CREATE UNIQUE INDEX runs_one_active ON runs (conversation_id) WHERE status IN ('queued', 'running', 'waiting')`,
    )
    await queryRunner.query('CREATE INDEX runs_conversation ON runs (conversation_id, id)')
    await queryRunner.query(`CREATE INDEX runs_pending ON runs (conversation_id, id) WHERE status = 'pending'`)
    await queryRunner.query(
      `CREATE INDEX runs_unfinished ON runs (deadline_at) WHERE status IN ('pending', 'queued', 'running', 'waiting')`,
    )
    await queryRunner.query(`
      CREATE TABLE turns (
        run_id uuid NOT NULL CONSTRAINT turns_run_fk REFERENCES runs (id) ON DELETE CASCADE,
        index integer NOT NULL,
        user_id uuid NOT NULL,
        agent_id uuid,
        step integer NOT NULL DEFAULT 0,
        kind text NOT NULL DEFAULT 'speak',
        status text NOT NULL,
        attempt integer NOT NULL DEFAULT 0,
        failures integer NOT NULL DEFAULT 0,
        claim_token uuid,
        lease_until timestamptz,
        due_at timestamptz NOT NULL DEFAULT now(),
        dispatch integer NOT NULL DEFAULT 0,
        dispatched_at timestamptz,
        seen_seq integer,
        passed boolean NOT NULL DEFAULT false,
        message_id uuid,
        prompt_version text,
        quote jsonb,
        ended_by text,
        error_code text,
        error_message text,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz,
        CONSTRAINT turns_pk PRIMARY KEY (run_id, index),
        CONSTRAINT turns_status_known CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
        CONSTRAINT turns_kind_known CHECK (kind IN ('speak', 'moderate', 'wrap_up')),
        CONSTRAINT turns_claimed_while_running CHECK ((status = 'running') = (claim_token IS NOT NULL AND lease_until IS NOT NULL))
      )`)
    await queryRunner.query(
      `CREATE INDEX turns_admission ON turns (user_id, created_at) WHERE status IN ('queued', 'running')`,
    )
    await queryRunner.query(`CREATE INDEX turns_leases ON turns (lease_until) WHERE status = 'running'`)
    await queryRunner.query(`
      CREATE TABLE idempotency_keys (
        user_id uuid NOT NULL CONSTRAINT idempotency_keys_user_fk REFERENCES users (id) ON DELETE CASCADE,
        route text NOT NULL,
        key text NOT NULL,
        body_hash text NOT NULL,
        response jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT idempotency_keys_pk PRIMARY KEY (user_id, route, key)
      )`)
    await queryRunner.query('CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE idempotency_keys, turns, runs')
  }
}
