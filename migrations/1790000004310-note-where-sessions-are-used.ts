import type { MigrationInterface, QueryRunner } from 'typeorm'

/** From where, with what and when last: so that people know their sessions, and sign-ins from a place that is known. */
export class NoteWhereSessionsAreUsed1790000004310 implements MigrationInterface {
  name = 'NoteWhereSessionsAreUsed1790000004310'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE sessions ADD COLUMN network text, ADD COLUMN user_agent text,
        ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now(),
        ADD CONSTRAINT sessions_bounded CHECK (length(network) <= 100 AND length(user_agent) <= 200)`)
    await queryRunner.query('CREATE INDEX sessions_user_network ON sessions (user_id, network)')
    await queryRunner.query('DROP INDEX sessions_user')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE INDEX sessions_user ON sessions (user_id)')
    await queryRunner.query('DROP INDEX sessions_user_network')
    await queryRunner.query(`
      ALTER TABLE sessions DROP CONSTRAINT sessions_bounded, DROP COLUMN network, DROP COLUMN user_agent,
        DROP COLUMN last_used_at`)
  }
}
