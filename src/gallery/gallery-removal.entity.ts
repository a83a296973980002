import { EntitySchema } from 'typeorm'
import { createdAt, text } from '../database/columns.ts'

/** What an administrator has removed, as a hash that is nobody's: whoever publishes it unchanged, under whatever name, is refused. */
export class GalleryRemoval {
  declare snapshotHash: string
  declare createdAt: Date
}

export const galleryRemovalEntity = new EntitySchema<GalleryRemoval>({
  name: 'GalleryRemoval',
  target: GalleryRemoval,
  tableName: 'gallery_removals',
  columns: {
    snapshotHash: text({ primary: true, primaryKeyConstraintName: 'gallery_removals_pk' }),
    createdAt: createdAt(),
  },
})
