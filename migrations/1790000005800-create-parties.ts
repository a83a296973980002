import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateParties1790000005800 implements MigrationInterface {
  name = 'CreateParties1790000005800'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE parties (
        id uuid CONSTRAINT parties_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT parties_user_fk REFERENCES users ON DELETE CASCADE,
        name text NOT NULL,
        agent_ids uuid[] NOT NULL,
        strategy text NOT NULL CONSTRAINT parties_strategy_known
          CHECK (strategy IN ('round_robin', 'supervisor', 'mention', 'handoff', 'panel')),
        max_turns integer,
        max_rounds integer,
        max_credits bigint,
        max_seconds integer,
        stop_phrase text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE INDEX parties_user ON parties (user_id, id)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE parties')
  }
}
