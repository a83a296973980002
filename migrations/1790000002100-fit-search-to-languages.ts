import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Texts are indexed by their language and by words that the product cuts itself, whatever the locale of the database. What is
 * stored is cut roughly here, so that it is found at once, and marked: workers index it anew, file by file.
 */
export class FitSearchToLanguages1790000002100 implements MigrationInterface {
  name = 'FitSearchToLanguages1790000002100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `ALTER TABLE file_chunks ADD COLUMN cells text, ADD COLUMN language text, DROP COLUMN terms`,
    )
    // Pages of a scan as pictures: where each stands in the one object that holds them.
    await queryRunner.query(
      `ALTER TABLE files ADD COLUMN scans jsonb, ADD COLUMN reindex boolean NOT NULL DEFAULT false`,
    )
    await queryRunner.query(`UPDATE files SET reindex = true WHERE status = 'ready' AND text_tokens > 0`)
    await queryRunner.query(`CREATE INDEX files_reindex_idx ON files (id) WHERE reindex`)
    await queryRunner.query(`
      CREATE TABLE file_vocabularies (
        file_id uuid NOT NULL,
        words text NOT NULL,
        CONSTRAINT file_vocabularies_pkey PRIMARY KEY (file_id),
        CONSTRAINT file_vocabularies_file_fk FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE CASCADE
      )`)
    await queryRunner.query(`
      UPDATE file_chunks SET search = to_tsvector('simple',
        regexp_replace(lower(normalize(concat_ws(' ', heading, text), NFKC)), '[[:punct:]\\u2000-\\u206f\\u3000-\\u303f]+', ' ', 'g'))`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE file_vocabularies`)
    await queryRunner.query(`ALTER TABLE files DROP COLUMN scans, DROP COLUMN reindex`)
    await queryRunner.query(`ALTER TABLE file_chunks DROP COLUMN cells, DROP COLUMN language, ADD COLUMN terms text`)
    await queryRunner.query(`UPDATE file_chunks SET search = to_tsvector('english', concat_ws(' ', heading, text))`)
  }
}
