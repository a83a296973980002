import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Webhooks are told of what is asked about a call of a tool, and of what came of it, in the transaction in which it is. A call may be asked about
 * again, where nobody knows what came of it: then what was told of it before makes room.
 */
const TRIGGERS = [
  `CREATE FUNCTION webhooks_of_tools() RETURNS trigger LANGUAGE plpgsql AS $$
   DECLARE
     told text := CASE WHEN NEW.status = 'awaiting' THEN 'tool.approval_requested'
       WHEN NEW.status = 'approved' THEN 'tool.approved'
       WHEN NEW.status = 'denied' OR (NEW.status = 'unknown' AND NEW.decided_at IS NOT NULL) THEN 'tool.denied'
       WHEN NEW.status IN ('expired', 'unknown') AND NEW.expires_at <= clock_timestamp() THEN 'tool.expired' END;
   BEGIN
     IF told IS NULL THEN RETURN NULL; END IF;
     IF NEW.doubt THEN
       DELETE FROM webhook_deliveries WHERE webhook_id IN (SELECT w.id FROM webhooks w WHERE w.user_id = NEW.user_id)
         AND event = told AND subject_id = NEW.id;
     END IF;
     PERFORM webhooks_tell(NEW.user_id, told, NEW.id);
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER tool_calls_webhooks_asked AFTER INSERT ON tool_calls FOR EACH ROW
   WHEN (NEW.status = 'awaiting') EXECUTE FUNCTION webhooks_of_tools()`,
  `CREATE TRIGGER tool_calls_webhooks_decided AFTER UPDATE OF status ON tool_calls FOR EACH ROW
   WHEN (OLD.status IS DISTINCT FROM NEW.status AND (NEW.status = 'awaiting'
     OR (OLD.status = 'awaiting' AND NEW.status IN ('approved', 'denied', 'expired', 'unknown'))))
   EXECUTE FUNCTION webhooks_of_tools()`,
]

export class TellOfApprovals1790000006915 implements MigrationInterface {
  name = 'TellOfApprovals1790000006915'

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of TRIGGERS) await queryRunner.query(sql)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TRIGGER tool_calls_webhooks_decided ON tool_calls')
    await queryRunner.query('DROP TRIGGER tool_calls_webhooks_asked ON tool_calls')
    await queryRunner.query('DROP FUNCTION webhooks_of_tools')
  }
}
