import { EntitySchema } from 'typeorm'
import { text, uuid } from '../database/columns.ts'

/** The distinct words of a file, for finding names that a question spells or inflects differently. */
export class FileVocabulary {
  declare fileId: string
  /** Without accents, with spaces between; bounded in number. */
  declare words: string
}

export const fileVocabularyEntity = new EntitySchema<FileVocabulary>({
  name: 'FileVocabulary',
  target: FileVocabulary,
  tableName: 'file_vocabularies',
  columns: { fileId: uuid({ primary: true }), words: text() },
  foreignKeys: [
    {
      name: 'file_vocabularies_file_fk',
      target: 'File',
      columnNames: ['fileId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
