import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Addresses that are proved, the mails that ask for it, and the links in them. */
export class SendMail1790000004210 implements MigrationInterface {
  name = 'SendMail1790000004210'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE users ADD COLUMN email_verified_at timestamptz')
    await queryRunner.query(`
      CREATE TABLE mails (
        id uuid CONSTRAINT mails_pk PRIMARY KEY,
        kind text NOT NULL,
        user_id uuid CONSTRAINT mails_user_fk REFERENCES users (id) ON DELETE CASCADE,
        address text NOT NULL,
        address_key text NOT NULL,
        status text NOT NULL DEFAULT 'queued',
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT mails_status_known CHECK (status IN ('queued', 'sent', 'failed', 'dropped'))
      )`)
    await queryRunner.query('CREATE INDEX mails_user ON mails (user_id, created_at)')
    await queryRunner.query('CREATE INDEX mails_address ON mails (address_key, created_at)')
    await queryRunner.query('CREATE INDEX mails_created ON mails (created_at)')
    await queryRunner.query(`CREATE INDEX mails_due ON mails (due_at) WHERE status = 'queued'`)
    await queryRunner.query(`
      CREATE TABLE email_links (
        id uuid CONSTRAINT email_links_pk PRIMARY KEY,
        purpose text NOT NULL,
        user_id uuid NOT NULL CONSTRAINT email_links_user_fk REFERENCES users (id) ON DELETE CASCADE,
        email_key text NOT NULL,
        password_mark text,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query('CREATE INDEX email_links_user ON email_links (user_id)')
    await queryRunner.query('CREATE INDEX email_links_expires ON email_links (expires_at)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE email_links, mails')
    await queryRunner.query('ALTER TABLE users DROP COLUMN email_verified_at')
  }
}
