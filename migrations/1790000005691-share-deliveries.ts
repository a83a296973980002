import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As it is at this migration. Today's, and what it does, is in `src/webhooks/webhooks.sql`. */
const tell = (lock: string) => `
CREATE OR REPLACE FUNCTION webhooks_tell(p_user uuid, p_event text, p_subject uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO webhook_deliveries (id, webhook_id, user_id, event, subject_id, due_at)
  SELECT uuid_now(), w.id, w.user_id, p_event, p_subject, now()
  FROM webhooks w WHERE w.user_id = p_user AND w.enabled AND p_event = ANY (w.events)${lock}
  ON CONFLICT (webhook_id, event, subject_id) DO NOTHING
$$`

/** Deliveries are looked for by webhook, ticks by when they are due; and an event does not fail with a webhook that goes meanwhile. */
export class ShareDeliveries1790000005691 implements MigrationInterface {
  name = 'ShareDeliveries1790000005691'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(tell('\n  FOR KEY SHARE'))
    await queryRunner.query('DROP INDEX webhook_deliveries_due')
    await queryRunner.query(
      `CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at, id) WHERE status = 'pending'`,
    )
    await queryRunner.query('ALTER TABLE schedule_ticks ADD COLUMN due_at timestamptz NOT NULL DEFAULT now()')
    await queryRunner.query('DROP INDEX schedule_ticks_due')
    await queryRunner.query(`CREATE INDEX schedule_ticks_due ON schedule_ticks (due_at) WHERE status = 'due'`)
    await queryRunner.query(`CREATE INDEX schedule_ticks_ended ON schedule_ticks (created_at) WHERE status <> 'due'`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX schedule_ticks_ended, schedule_ticks_due')
    await queryRunner.query('ALTER TABLE schedule_ticks DROP COLUMN due_at')
    await queryRunner.query(`CREATE INDEX schedule_ticks_due ON schedule_ticks (created_at) WHERE status = 'due'`)
    await queryRunner.query('DROP INDEX webhook_deliveries_due')
    await queryRunner.query(
      `CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE status = 'pending'`,
    )
    await queryRunner.query(tell(''))
  }
}
