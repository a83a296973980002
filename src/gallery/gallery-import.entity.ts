import { EntitySchema } from 'typeorm'
import { createdAt, uuid } from '../database/columns.ts'

/** That somebody has imported an entry, however often: so that it is counted once. */
export class GalleryImport {
  declare entryId: string
  declare userId: string
  declare createdAt: Date
}

export const galleryImportEntity = new EntitySchema<GalleryImport>({
  name: 'GalleryImport',
  target: GalleryImport,
  tableName: 'gallery_imports',
  columns: {
    entryId: uuid({ primary: true, primaryKeyConstraintName: 'gallery_imports_pk' }),
    userId: uuid({ primary: true, primaryKeyConstraintName: 'gallery_imports_pk' }),
    createdAt: createdAt(),
  },
  indices: [{ name: 'gallery_imports_user', columns: ['userId'] }],
  foreignKeys: [
    {
      name: 'gallery_imports_entry_fk',
      target: 'GalleryEntry',
      columnNames: ['entryId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'gallery_imports_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
