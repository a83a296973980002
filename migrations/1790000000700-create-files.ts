import type { MigrationInterface, QueryRunner } from 'typeorm'

export class CreateFiles1790000000700 implements MigrationInterface {
  name = 'CreateFiles1790000000700'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE files (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        name text NOT NULL,
        content_type text NOT NULL,
        size bigint NOT NULL DEFAULT 0,
        sha256 text,
        status text NOT NULL,
        direct boolean NOT NULL DEFAULT false,
        error_code text,
        error_message text,
        pages integer,
        text_length integer,
        text_tokens integer,
        image boolean NOT NULL DEFAULT false,
        attempt integer NOT NULL DEFAULT 0,
        dispatch integer NOT NULL DEFAULT 0,
        dispatched_at timestamptz,
        claim_token uuid,
        lease_until timestamptz,
        due_at timestamptz NOT NULL DEFAULT now(),
        deadline_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT files_pkey PRIMARY KEY (id),
        CONSTRAINT files_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT files_status_check CHECK (status IN ('uploading', 'processing', 'ready', 'failed', 'deleting')),
        CONSTRAINT files_size_check CHECK (size >= 0)
      )`)
    await queryRunner.query(`CREATE INDEX files_user_id_idx ON files (user_id, id)`)
    // What the reconciler looks for; a settled file is not in it.
    await queryRunner.query(
      `CREATE INDEX files_unsettled_idx ON files (due_at) WHERE status IN ('uploading', 'processing', 'deleting')`,
    )
    // `terms` holds the words of scripts that write without spaces, which PostgreSQL cannot cut. `search` is made of heading and
    // terms (else text) by the one statement that inserts chunks. It is no GENERATED column because TypeORM then needs a
    // metadata table of its own to compare schemas.
    await queryRunner.query(`
      CREATE TABLE file_chunks (
        file_id uuid NOT NULL,
        index integer NOT NULL,
        page integer,
        heading text,
        text text NOT NULL,
        terms text,
        tokens integer NOT NULL,
        search tsvector NOT NULL,
        CONSTRAINT file_chunks_pkey PRIMARY KEY (file_id, index),
        CONSTRAINT file_chunks_file_id_fkey FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE CASCADE
      )`)
    await queryRunner.query(`CREATE INDEX file_chunks_search_idx ON file_chunks USING gin (search)`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE file_chunks`)
    await queryRunner.query(`DROP TABLE files`)
  }
}
