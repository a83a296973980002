import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { FileChunk } from './file-chunk.entity.ts'
import { beginningsOf, foldedStem, isName, lexemesOf, queryOf, searchVector, Vocabulary } from './search-lexemes.ts'
import { chunkTerms, foldWord, searchTerms } from './search-terms.ts'
import { likeWords } from './word-likeness.ts'

/** A chunk as a reader made it; `terms` are its words (`chunkTerms`). */
export type ChunkText = Omit<FileChunk, 'fileId' | 'search'> & { terms: string }
/** A chunk as it is given out. */
export type StoredChunk = Omit<FileChunk, 'language' | 'search'>
/** A chunk's place and size, with how well it matches (0: not at all). */
export interface ChunkMatch {
  fileId: string
  index: number
  tokens: number
  score: number
}

const COLUMNS = `file_id AS "fileId", index, page, heading, cells, text, tokens`
const BATCH = 500
/** So many words of a question are also looked for among words like them, and so many of those are tried for each. */
const LIKE_WORDS = 12
const LIKE_EACH = 3
const MOST_CANDIDATES = 20_000
/** An exact lexeme is worth less when it is only like the word that was asked for. */
const LIKE_WORTH = 0.7
/** SQL: one lexeme as a query, as it is (no parser sees it); with a star at its end, all that begin so. */
const asQuery = (lexeme: string) => `('''' ||
  replace(replace(rtrim(${lexeme}, '*'), '\\', '\\\\'), '''', '''''') || '''' || CASE WHEN ${lexeme} LIKE '%*' THEN ':*' ELSE '' END)::tsquery`

/** The texts of files, in pieces. */
export class FileChunkRepository {
  readonly #db: DataSource
  #stemmers: Promise<ReadonlySet<string>> | undefined

  constructor(db: DataSource) {
    this.#db = db
  }

  /** The languages that this server has a stemmer for: newer ones have more. */
  #languages(): Promise<ReadonlySet<string>> {
    this.#stemmers ??= rows<{ name: string }>(
      this.#db.manager,
      `SELECT dictname AS name FROM pg_ts_dict WHERE dictname LIKE '%\\_stem'`,
    ).then(
      (found) => new Set(found.map(({ name }) => name.slice(0, -'_stem'.length))),
      (error: unknown) => {
        this.#stemmers = undefined
        throw error
      },
    )
    return this.#stemmers
  }

  /** Replaces all chunks of a file. */
  async replace(fileId: string, chunks: ChunkText[], tx: Tx): Promise<void> {
    const languages = await this.#languages()
    const vocabulary = new Vocabulary()
    await tx.query('DELETE FROM file_chunks WHERE file_id = $1', [fileId])
    for (let from = 0; from < chunks.length; from += BATCH) {
      const batch = chunks.slice(from, from + BATCH).map((chunk) => {
        const terms = chunk.terms.split(' ')
        vocabulary.add(terms)
        const language = chunk.language !== null && languages.has(chunk.language) ? chunk.language : null
        return { ...chunk, language, ...lexemesOf(terms, language !== null) }
      })
      await tx.query(
        `INSERT INTO file_chunks (file_id, index, page, heading, cells, text, language, tokens, search)
         SELECT $1, c.index, c.page, c.heading, c.cells, c.text, c.language, c.tokens, ${searchVector('c')}
         FROM unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[], $10::text[])
           AS c(index, page, heading, cells, text, language, tokens, exact, words)`,
        [
          fileId,
          batch.map((chunk) => chunk.index),
          batch.map((chunk) => chunk.page),
          batch.map((chunk) => chunk.heading),
          batch.map((chunk) => chunk.cells),
          batch.map((chunk) => chunk.text),
          batch.map((chunk) => chunk.language),
          batch.map((chunk) => chunk.tokens),
          batch.map((chunk) => chunk.exact),
          batch.map((chunk) => chunk.words),
        ],
      )
    }
    await tx.query(
      `INSERT INTO file_vocabularies (file_id, words) VALUES ($1, $2) ON CONFLICT (file_id) DO UPDATE SET words = excluded.words`,
      [fileId, vocabulary.text],
    )
  }

  /**
   * Indexes one file anew whose text an older version indexed; false when there is none, or others have them all. One at a time:
   * nothing waits for it.
   */
  reindexNext(): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      const [file] = await rows<{ id: string }>(
        tx,
        `UPDATE files SET reindex = false WHERE id = (SELECT id FROM files WHERE reindex LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id`,
      )
      if (!file) return false
      // Its tables of languages are loaded at the first such file, not at the start of every process.
      const { LanguageTracker } = await import('./search-language.ts')
      const tracker = new LanguageTracker()
      const stored = await rows<StoredChunk>(
        tx,
        `SELECT ${COLUMNS} FROM file_chunks WHERE file_id = $1 ORDER BY index`,
        [file.id],
      )
      const chunks = stored.map(({ index, page, heading, cells, text, tokens }) => {
        const terms = chunkTerms(heading, text)
        return { index, page, heading, cells, text, tokens, terms, language: tracker.of(index, text) }
      })
      await this.replace(file.id, chunks, tx)
      return true
    })
  }

  /** All chunks of these files, by file and place. */
  wholeTexts(fileIds: string[]): Promise<StoredChunk[]> {
    return rows(
      this.#db.manager,
      `SELECT ${COLUMNS} FROM file_chunks WHERE file_id = ANY($1::uuid[]) ORDER BY file_id, index`,
      [fileIds],
    )
  }

  /**
   * The chunks that match any of the query's words, best first: as written, by their stems in the language of each chunk, and, for
   * names that are nowhere as written, by words like them. A word counts by its rarity among the chunks of these files (as in
   * BM25), which PostgreSQL's own ranking leaves out. Nothing of it depends on the locale of the database.
   */
  async search(fileIds: string[], query: string, limit: number): Promise<ChunkMatch[]> {
    const { exact, words } = queryOf(searchTerms(query))
    const folded = words.map(foldWord)
    const alike = await this.#like(fileIds, folded.filter(isName))
    const others = [...exact, ...folded.flatMap(beginningsOf)]
    return rows<ChunkMatch>(
      this.#db.manager,
      `WITH languages AS (
         SELECT DISTINCT language FROM file_chunks WHERE file_id = ANY($1::uuid[])),
       stems AS MATERIALIZED (
         SELECT language, folded, CASE WHEN language IS NOT NULL THEN ts_lexize((language || '_stem')::regdictionary, word) END AS stems
         FROM languages, unnest($2::text[], $3::text[]) AS w(word, folded)),
       wanted AS (
         -- A word without stems is a stop word of its language.
         SELECT folded AS lexeme, language, 1 AS worth, true AS spoken FROM stems WHERE stems IS NULL OR stems <> '{}'
         UNION SELECT '~' || ${foldedStem('stem')}, language, 1, true FROM stems, unnest(stems) AS stem
         UNION SELECT lexeme, NULL, worth, false FROM unnest($4::text[], $5::float8[]) AS o(lexeme, worth)),
       words AS MATERIALIZED (SELECT lexeme, language, worth, spoken, ${asQuery('lexeme')} AS match FROM wanted WHERE lexeme <> ''),
       total AS (SELECT greatest(count(*), 1)::float8 AS n FROM file_chunks WHERE file_id = ANY($1::uuid[])),
       hits AS (
         SELECT c.file_id, c.index, c.tokens, w.lexeme, w.worth, ts_rank(c.search, w.match, 1) AS rank
         FROM words w JOIN file_chunks c ON c.search @@ w.match AND c.file_id = ANY($1::uuid[])
         WHERE NOT w.spoken OR c.language IS NOT DISTINCT FROM w.language),
       weights AS (
         SELECT lexeme, ln(1 + (SELECT n FROM total) / count(*)) AS weight FROM hits GROUP BY lexeme)
       SELECT file_id AS "fileId", index, tokens, sum(worth * weight * (0.5 + 0.5 * rank))::float8 AS score
       FROM hits JOIN weights USING (lexeme)
       GROUP BY file_id, index, tokens ORDER BY score DESC, file_id, index LIMIT $6`,
      [
        fileIds,
        words,
        folded,
        [...others, ...alike.map(({ word }) => word)],
        [...others.map(() => 1), ...alike.map(({ likeness }) => likeness * LIKE_WORTH)],
        limit,
      ],
    )
  }

  /** Words of these files that are like words of the question, which none of them has. */
  async #like(fileIds: string[], words: string[]): Promise<Array<{ word: string; likeness: number }>> {
    const asked = words.slice(0, LIKE_WORDS)
    if (asked.length === 0) return []
    const lengths = asked.map((word) => word.length)
    const known = await rows<{ word: string }>(
      this.#db.manager,
      `SELECT DISTINCT word FROM file_vocabularies, unnest(string_to_array(words, ' ')) AS word
       WHERE file_id = ANY($1::uuid[]) AND left(word, 1) = ANY($2::text[]) AND length(word) BETWEEN $3 AND $4 LIMIT ${MOST_CANDIDATES}`,
      [fileIds, asked.map((word) => word.slice(0, 1)), Math.floor(Math.min(...lengths) / 2), Math.max(...lengths) * 2],
    )
    return likeWords(asked, new Set(known.map(({ word }) => word)), LIKE_EACH)
  }

  /** The first chunks of each file. */
  beginnings(fileIds: string[], perFile: number): Promise<ChunkMatch[]> {
    return rows<ChunkMatch>(
      this.#db.manager,
      `SELECT file_id AS "fileId", index, tokens, 0::float8 AS score FROM file_chunks
       WHERE file_id = ANY($1::uuid[]) AND index < $2 ORDER BY index, file_id`,
      [fileIds, perFile],
    )
  }

  /** Chunks spread evenly over each file, about `perFile` of each: what to show of the whole when nothing matches. */
  spread(fileIds: string[], perFile: number): Promise<ChunkMatch[]> {
    return rows<ChunkMatch>(
      this.#db.manager,
      `SELECT file_id AS "fileId", index, tokens, 0::float8 AS score
       FROM (SELECT *, count(*) OVER (PARTITION BY file_id) AS total FROM file_chunks WHERE file_id = ANY($1::uuid[])) AS c
       WHERE index % greatest(1, total / $2) = 0 ORDER BY index, file_id`,
      [fileIds, perFile],
    )
  }

  /** The distinct headings of each file, in order, `most` of each at most. */
  headings(fileIds: string[], most: number): Promise<Array<{ fileId: string; heading: string }>> {
    return rows(
      this.#db.manager,
      `SELECT file_id AS "fileId", heading FROM (
         SELECT file_id, heading, min(index) AS first, row_number() OVER (PARTITION BY file_id ORDER BY min(index)) AS place
         FROM file_chunks WHERE file_id = ANY($1::uuid[]) AND heading IS NOT NULL GROUP BY file_id, heading) AS h
       WHERE place <= $2 ORDER BY file_id, first`,
      [fileIds, most],
    )
  }

  /** These chunks with their text, by file and place. */
  texts(places: Array<{ fileId: string; index: number }>): Promise<StoredChunk[]> {
    return rows(
      this.#db.manager,
      `SELECT ${COLUMNS} FROM file_chunks
       JOIN unnest($1::uuid[], $2::int[]) AS wanted(file, place) ON file_id = wanted.file AND index = wanted.place
       ORDER BY file_id, index`,
      [places.map((place) => place.fileId), places.map((place) => place.index)],
    )
  }
}
