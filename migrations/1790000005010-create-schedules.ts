import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateSchedules1790000005010 implements MigrationInterface {
  name = 'CreateSchedules1790000005010'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE schedules (
        id uuid CONSTRAINT schedules_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT schedules_user_fk REFERENCES users ON DELETE CASCADE,
        name text NOT NULL,
        cron text NOT NULL,
        time_zone text NOT NULL,
        party jsonb NOT NULL,
        missed text NOT NULL CONSTRAINT schedules_missed_known CHECK (missed IN ('skip', 'once')),
        monthly_credits bigint,
        paused_reason text CONSTRAINT schedules_reason_known CHECK (paused_reason IN ('owner', 'failing', 'over')),
        next_at timestamptz,
        failures integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT schedules_rest_or_tick CHECK ((next_at IS NULL) = (paused_reason IS NOT NULL))
      )`)
    await queryRunner.query('CREATE INDEX schedules_user ON schedules (user_id, id)')
    await queryRunner.query('CREATE INDEX schedules_due ON schedules (next_at)')
    await queryRunner.query(`
      CREATE TABLE schedule_ticks (
        id uuid CONSTRAINT schedule_ticks_pk PRIMARY KEY,
        schedule_id uuid NOT NULL CONSTRAINT schedule_ticks_schedule_fk REFERENCES schedules ON DELETE CASCADE,
        at timestamptz NOT NULL,
        status text NOT NULL DEFAULT 'due'
          CONSTRAINT schedule_ticks_status_known CHECK (status IN ('due', 'started', 'skipped', 'failed')),
        party jsonb,
        code text,
        message text,
        run_id uuid,
        conversation_id uuid,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX schedule_ticks_once ON schedule_ticks (schedule_id, at)')
    await queryRunner.query(`CREATE INDEX schedule_ticks_due ON schedule_ticks (created_at) WHERE status = 'due'`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE schedule_ticks')
    await queryRunner.query('DROP TABLE schedules')
  }
}
