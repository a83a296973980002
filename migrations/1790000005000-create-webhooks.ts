import type { MigrationInterface, QueryRunner } from 'typeorm'

/** As they are at this migration. Today's, and what they do, are in `src/webhooks/webhooks.sql`. */
const FUNCTIONS = `
CREATE FUNCTION uuid_now() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;
CREATE FUNCTION webhooks_tell(p_user uuid, p_event text, p_subject uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO webhook_deliveries (id, webhook_id, user_id, event, subject_id, due_at)
  SELECT uuid_now(), w.id, w.user_id, p_event, p_subject, now()
  FROM webhooks w WHERE w.user_id = p_user AND w.enabled AND p_event = ANY (w.events)
  ON CONFLICT (webhook_id, event, subject_id) DO NOTHING
$$;
`

/** The outbox: what happens and the deliveries that tell of it commit together, whoever writes it. */
const TRIGGERS = [
  `CREATE FUNCTION webhooks_of_runs() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     PERFORM webhooks_tell(NEW.user_id, 'run.' || NEW.status, NEW.id);
     IF NEW.stop_reason = 'credits_exhausted' THEN
       PERFORM webhooks_tell(NEW.user_id, 'credits.exhausted', NEW.id);
     END IF;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER runs_webhooks AFTER UPDATE OF status ON runs FOR EACH ROW
   WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ('completed', 'failed', 'cancelled'))
   EXECUTE FUNCTION webhooks_of_runs()`,
  `CREATE FUNCTION webhooks_of_files() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     PERFORM webhooks_tell(NEW.user_id, 'file.' || NEW.status, NEW.id);
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER files_webhooks AFTER UPDATE OF status ON files FOR EACH ROW
   WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ('ready', 'failed'))
   EXECUTE FUNCTION webhooks_of_files()`,
  `CREATE FUNCTION webhooks_of_entries() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     PERFORM webhooks_tell(NEW.user_id, 'credits.added', NEW.id);
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER ledger_entries_webhooks AFTER INSERT ON ledger_entries FOR EACH ROW
   WHEN (NEW.kind IN ('grant', 'adjustment', 'refund'))
   EXECUTE FUNCTION webhooks_of_entries()`,
]

export class CreateWebhooks1790000005000 implements MigrationInterface {
  name = 'CreateWebhooks1790000005000'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE webhooks (
        id uuid CONSTRAINT webhooks_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT webhooks_user_fk REFERENCES users ON DELETE CASCADE,
        url text NOT NULL,
        events text[] NOT NULL,
        description text NOT NULL DEFAULT '',
        enabled boolean NOT NULL DEFAULT true,
        disabled_reason text CONSTRAINT webhooks_reason_known CHECK (disabled_reason IN ('owner', 'gone', 'failing')),
        secret_sealed text NOT NULL,
        previous_sealed text,
        previous_until timestamptz,
        succeeded_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT webhooks_off_for_a_reason CHECK (enabled = (disabled_reason IS NULL))
      )`)
    await queryRunner.query('CREATE INDEX webhooks_user ON webhooks (user_id, id)')
    await queryRunner.query(`
      CREATE TABLE webhook_deliveries (
        id uuid CONSTRAINT webhook_deliveries_pk PRIMARY KEY,
        webhook_id uuid NOT NULL CONSTRAINT webhook_deliveries_webhook_fk REFERENCES webhooks ON DELETE CASCADE,
        user_id uuid NOT NULL,
        event text NOT NULL,
        subject_id uuid NOT NULL,
        status text NOT NULL DEFAULT 'pending'
          CONSTRAINT webhook_deliveries_status_known CHECK (status IN ('pending', 'delivered', 'failed')),
        payload text,
        attempt integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        dispatched_at timestamptz,
        claim_token uuid,
        lease_until timestamptz,
        last_status integer,
        last_error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        ended_at timestamptz
      )`)
    await queryRunner.query(
      'CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (webhook_id, event, subject_id)',
    )
    await queryRunner.query('CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, id)')
    await queryRunner.query(
      `CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE status = 'pending'`,
    )
    await queryRunner.query(
      `CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at) WHERE status <> 'pending'`,
    )
    await queryRunner.query(FUNCTIONS)
    for (const statement of TRIGGERS) await queryRunner.query(statement)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [table, what] of [
      ['ledger_entries', 'entries'],
      ['files', 'files'],
      ['runs', 'runs'],
    ]) {
      await queryRunner.query(`DROP TRIGGER ${table}_webhooks ON ${table}`)
      await queryRunner.query(`DROP FUNCTION webhooks_of_${what}`)
    }
    await queryRunner.query('DROP FUNCTION webhooks_tell')
    await queryRunner.query('DROP FUNCTION uuid_now')
    await queryRunner.query('DROP TABLE webhook_deliveries')
    await queryRunner.query('DROP TABLE webhooks')
  }
}
