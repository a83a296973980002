import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { FileChunk } from './file-chunk.entity.ts'
import { searchTerms } from './search-terms.ts'

export type ChunkText = Omit<FileChunk, 'fileId' | 'search'>
/** A chunk's place and size, with how well it matches (0: not at all). */
export interface ChunkMatch {
  fileId: string
  index: number
  tokens: number
  score: number
}

const COLUMNS = `file_id AS "fileId", index, page, heading, text, tokens`
const BATCH = 500
/** More words than these make a query slow and no better. */
const QUERY_WORDS = 48

/** The texts of files, in pieces. */
export class FileChunkRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Replaces all chunks of a file. */
  async replace(fileId: string, chunks: ChunkText[], tx: Tx): Promise<void> {
    await tx.query('DELETE FROM file_chunks WHERE file_id = $1', [fileId])
    for (let from = 0; from < chunks.length; from += BATCH) {
      const batch = chunks.slice(from, from + BATCH)
      await tx.query(
        `INSERT INTO file_chunks (file_id, index, page, heading, text, terms, tokens, search)
         SELECT $1, c.index, c.page, c.heading, c.text, c.terms, c.tokens,
           to_tsvector('english', coalesce(c.terms, concat_ws(' ', c.heading, c.text)))
         FROM unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[]) AS c(index, page, heading, text, terms, tokens)`,
        [
          fileId,
          batch.map((chunk) => chunk.index),
          batch.map((chunk) => chunk.page),
          batch.map((chunk) => chunk.heading),
          batch.map((chunk) => chunk.text),
          batch.map((chunk) => chunk.terms),
          batch.map((chunk) => chunk.tokens),
        ],
      )
    }
  }

  /** All chunks of these files, by file and place. */
  wholeTexts(fileIds: string[]): Promise<Array<Omit<FileChunk, 'terms' | 'search'>>> {
    return rows(
      this.#db.manager,
      `SELECT ${COLUMNS} FROM file_chunks WHERE file_id = ANY($1::uuid[]) ORDER BY file_id, index`,
      [fileIds],
    )
  }

  /**
   * The chunks that match any of the query's words, best first. A word counts by its rarity among the chunks of these files
   * (as in BM25), which PostgreSQL's own ranking leaves out.
   */
  search(fileIds: string[], query: string, limit: number): Promise<ChunkMatch[]> {
    return rows<ChunkMatch>(
      this.#db.manager,
      `WITH words AS (
         SELECT lexeme, to_tsquery('simple', '''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''') AS match
         FROM unnest(to_tsvector('english', $2)) LIMIT ${QUERY_WORDS}),
       total AS (SELECT greatest(count(*), 1)::float8 AS n FROM file_chunks WHERE file_id = ANY($1::uuid[])),
       hits AS (
         SELECT c.file_id, c.index, c.tokens, w.lexeme, ts_rank(c.search, w.match, 1) AS rank
         FROM words w JOIN file_chunks c ON c.search @@ w.match AND c.file_id = ANY($1::uuid[])),
       weights AS (
         SELECT lexeme, ln(1 + (SELECT n FROM total) / count(*)) AS weight FROM hits GROUP BY lexeme)
       SELECT file_id AS "fileId", index, tokens, sum(weight * (0.5 + 0.5 * rank))::float8 AS score
       FROM hits JOIN weights USING (lexeme)
       GROUP BY file_id, index, tokens ORDER BY score DESC, file_id, index LIMIT $3`,
      [fileIds, searchTerms(query) ?? query, limit],
    )
  }

  /** The first chunks of each file: what to show when nothing matches. */
  beginnings(fileIds: string[], perFile: number): Promise<ChunkMatch[]> {
    return rows<ChunkMatch>(
      this.#db.manager,
      `SELECT file_id AS "fileId", index, tokens, 0::float8 AS score FROM file_chunks
       WHERE file_id = ANY($1::uuid[]) AND index < $2 ORDER BY index, file_id`,
      [fileIds, perFile],
    )
  }

  /** These chunks with their text, by file and place. */
  texts(places: Array<{ fileId: string; index: number }>): Promise<Array<Omit<FileChunk, 'terms' | 'search'>>> {
    return rows(
      this.#db.manager,
      `SELECT ${COLUMNS} FROM file_chunks
       JOIN unnest($1::uuid[], $2::int[]) AS wanted(file, place) ON file_id = wanted.file AND index = wanted.place
       ORDER BY file_id, index`,
      [places.map((place) => place.fileId), places.map((place) => place.index)],
    )
  }
}
