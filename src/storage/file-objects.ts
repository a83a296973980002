import type { FileRepository } from './file.repository.ts'
import { objectKeys } from './store/object-keys.ts'
import type { Store } from './store/store.ts'

/**
 * Ends deletions: the row is `deleting` since a commit, the objects go first and the row last, so that whatever stops this, the
 * row is still there for the next try.
 */
export class FileObjects {
  readonly #files: FileRepository
  readonly #store: Store

  constructor(files: FileRepository, store: Store) {
    this.#files = files
    this.#store = store
  }

  /** Removes the objects and the row of a file that is marked `deleting`. @throws when the store cannot be reached. */
  async removeMarked(fileId: string): Promise<void> {
    await this.removeObjects(fileId)
    await this.#files.remove(fileId)
  }

  /** Removes every object that a file can have, and what an upload of one left behind half done. */
  async removeEverything(fileId: string): Promise<void> {
    const { original, staging } = objectKeys(fileId)
    await this.#store.removeParts(original.slice(0, -'original'.length))
    await this.#store.removeParts(staging)
    await this.removeObjects(fileId)
  }

  /** Removes every object that a file can have. */
  async removeObjects(fileId: string): Promise<void> {
    await Promise.all(Object.values(objectKeys(fileId)).map((key) => this.#store.delete(key)))
  }
}
