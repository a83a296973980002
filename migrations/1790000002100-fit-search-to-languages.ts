import type { MigrationInterface, QueryRunner } from 'typeorm'
import { z } from 'zod'
import { LanguageTracker } from '../src/storage/search-language.ts'
import { lexemesOf, searchVector, Vocabulary } from '../src/storage/search-lexemes.ts'
import { searchTerms } from '../src/storage/search-terms.ts'

const BATCH = 500
const chunks = z.array(z.object({ index: z.number(), heading: z.string().nullable(), text: z.string() }))
const fileIds = z.array(z.object({ id: z.string() }))
const names = z.array(z.object({ name: z.string() }))

/**
 * Texts are indexed by their language and by words that the product cuts itself, whatever the locale of the database. What is
 * stored is indexed anew, by the very code that questions go through: an index that another code had made would match nothing.
 */
export class FitSearchToLanguages1790000002100 implements MigrationInterface {
  name = 'FitSearchToLanguages1790000002100'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `ALTER TABLE file_chunks ADD COLUMN cells text, ADD COLUMN language text, DROP COLUMN terms`,
    )
    // Pages of a scan as pictures: where each stands in the one object that holds them.
    await queryRunner.query(`ALTER TABLE files ADD COLUMN scans jsonb`)
    await queryRunner.query(`
      CREATE TABLE file_vocabularies (
        file_id uuid NOT NULL,
        words text NOT NULL,
        CONSTRAINT file_vocabularies_pkey PRIMARY KEY (file_id),
        CONSTRAINT file_vocabularies_file_id_fkey FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE CASCADE
      )`)
    const stemmers = names.parse(
      await queryRunner.query(`SELECT dictname AS name FROM pg_ts_dict WHERE dictname LIKE '%\\_stem'`),
    )
    const languages = new Set(stemmers.map(({ name }) => name.slice(0, -'_stem'.length)))
    const files = fileIds.parse(await queryRunner.query(`SELECT DISTINCT file_id AS id FROM file_chunks`))
    for (const { id } of files) await reindex(queryRunner, id, languages)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE file_vocabularies`)
    await queryRunner.query(`ALTER TABLE files DROP COLUMN scans`)
    await queryRunner.query(`ALTER TABLE file_chunks DROP COLUMN cells, DROP COLUMN language, ADD COLUMN terms text`)
    await queryRunner.query(`UPDATE file_chunks SET search = to_tsvector('english', concat_ws(' ', heading, text))`)
  }
}

async function reindex(queryRunner: QueryRunner, fileId: string, languages: ReadonlySet<string>): Promise<void> {
  const vocabulary = new Vocabulary()
  const tracker = new LanguageTracker()
  for (let after = -1; ; ) {
    const batch = chunks.parse(
      await queryRunner.query(
        `SELECT index, heading, text FROM file_chunks WHERE file_id = $1 AND index > $2 ORDER BY index LIMIT ${BATCH}`,
        [fileId, after],
      ),
    )
    if (batch.length === 0) break
    after = batch.at(-1)?.index ?? after
    const made = batch.map(({ index, heading, text }) => {
      const terms = searchTerms(heading ? `${heading} ${text}` : text)
      vocabulary.add(terms)
      const found = tracker.of(index, text)
      const language = found !== null && languages.has(found) ? found : null
      return { index, language, ...lexemesOf(terms, language !== null) }
    })
    await queryRunner.query(
      `UPDATE file_chunks SET language = c.language, search = ${searchVector('c')}
       FROM unnest($2::int[], $3::text[], $4::text[], $5::text[]) AS c(index, language, exact, words)
       WHERE file_chunks.file_id = $1 AND file_chunks.index = c.index`,
      [
        fileId,
        made.map(({ index }) => index),
        made.map(({ language }) => language),
        made.map(({ exact }) => exact),
        made.map(({ words }) => words),
      ],
    )
  }
  await queryRunner.query(`INSERT INTO file_vocabularies (file_id, words) VALUES ($1, $2)`, [fileId, vocabulary.text])
}
