import { EntitySchema } from 'typeorm'
import { integer, text, uuid } from '../database/columns.ts'

/** A piece of a file's text with its place; all pieces in order are the whole text. */
export class FileChunk {
  declare fileId: string
  /** 0, 1, 2... in its file. */
  declare index: number
  /** From 1; null for formats without pages. Slides count as pages. */
  declare page: number | null
  /** The heading above it, the sheet's name, or a table's header row. */
  declare heading: string | null
  declare text: string
  /** Where it stands in a sheet, such as `A2:F40`; null for all that is no sheet. */
  declare cells: string | null
  /** Its language as PostgreSQL calls the stemmer for it; null when there is none. */
  declare language: string | null
  /** About as many model tokens as the text has. */
  declare tokens: number
  /** Made by the statement that inserts; never selected. */
  declare search: unknown
}

export const fileChunkEntity = new EntitySchema<FileChunk>({
  name: 'FileChunk',
  target: FileChunk,
  tableName: 'file_chunks',
  columns: {
    fileId: uuid({ primary: true }),
    index: integer({ primary: true }),
    page: integer({ nullable: true }),
    heading: text({ nullable: true }),
    text: text(),
    cells: text({ nullable: true }),
    language: text({ nullable: true }),
    tokens: integer(),
    search: { type: 'tsvector', select: false, insert: false, update: false },
  },
  // A GIN index, which only the migration can say.
  indices: [{ name: 'file_chunks_search_idx', columns: ['search'], synchronize: false }],
  foreignKeys: [
    {
      name: 'file_chunks_file_fk',
      target: 'File',
      columnNames: ['fileId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
