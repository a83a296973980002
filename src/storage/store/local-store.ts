import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, copyFile, type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { type ByteRange, ObjectMissing, type PutOptions, type Store, type StoredObject } from './store.ts'

const KEY = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/
const PART = '.part'

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

/** Keeps objects as files below a folder. For one machine, or several that share the folder. */
export class LocalStore implements Store {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async put(key: string, body: Readable, { signal }: PutOptions = {}): Promise<void> {
    await this.#appear(key, async (handle) => {
      await handle.writeFile(signal ? addAbortSignal(signal, body) : body)
      // The row that says the object is there commits next: it must survive a power cut as the row does.
      await handle.sync()
    })
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const handle = await open(this.#path(key), 'r').catch((error: unknown) => {
      throw isMissing(error) ? new ObjectMissing(key) : error
    })
    return handle.createReadStream({ start: range?.start, end: range?.end })
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const found = await stat(this.#path(key))
      return { key, size: found.size, modifiedAt: found.mtime }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async copy(from: string, to: string): Promise<void> {
    const part = await this.#newPart(to)
    try {
      await copyFile(this.#path(from), part, constants.COPYFILE_FICLONE)
      await rename(part, this.#path(to))
    } catch (error) {
      await rm(part, { force: true })
      throw isMissing(error) ? new ObjectMissing(from) : error
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key)
    await rm(path, { force: true })
    // Best effort: a folder that still has another object, or just got one, stays.
    await rmdir(dirname(path)).catch(() => undefined)
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const path of this.#walk()) {
      if (!path.startsWith(prefix) || path.endsWith(PART)) continue
      const found = await this.head(path)
      if (found) yield found
    }
  }

  async sweepParts(before: Date): Promise<number> {
    let removed = 0
    for await (const path of this.#walk()) {
      if (!path.endsWith(PART)) continue
      const part = join(this.#root, path)
      const found = await stat(part).catch(() => undefined)
      if (!found || found.mtime >= before) continue
      await rm(part, { force: true })
      removed++
    }
    return removed
  }

  async removeParts(prefix: string): Promise<void> {
    const folder = prefix.endsWith('/') ? prefix.slice(0, -1) : dirname(prefix)
    const entries = await readdir(join(this.#root, folder)).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
    const parts = entries
      .map((name) => `${folder}/${name}`)
      .filter((key) => key.startsWith(prefix) && key.endsWith(PART))
    for (const part of parts) await rm(join(this.#root, part), { force: true })
    if (parts.length > 0) await rmdir(join(this.#root, folder)).catch(() => undefined)
  }

  async ping(): Promise<void> {
    await mkdir(this.#root, { recursive: true })
    await access(this.#root, constants.R_OK | constants.W_OK)
  }

  #path(key: string): string {
    if (!KEY.test(key)) throw new RangeError(`not an object key: ${JSON.stringify(key.slice(0, 100))}`)
    return join(this.#root, key)
  }

  async #newPart(key: string): Promise<string> {
    const path = this.#path(key)
    await mkdir(dirname(path), { recursive: true })
    return `${path}.${randomUUID()}${PART}`
  }

  /** Writes beside the final place and renames, so that nobody ever sees half an object. */
  async #appear(key: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
    const part = await this.#newPart(key)
    const handle = await open(part, 'wx', 0o600)
    try {
      try {
        await write(handle)
      } finally {
        await handle.close()
      }
      await rename(part, this.#path(key))
    } catch (error) {
      await rm(part, { force: true })
      await rmdir(dirname(part)).catch(() => undefined)
      throw error
    }
  }

  /** Paths below the root with `/` between their parts. */
  async *#walk(folder = ''): AsyncIterable<string> {
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
    for (const entry of entries) {
      const path = folder ? `${folder}/${entry.name}` : entry.name
      if (entry.isDirectory()) yield* this.#walk(path)
      else if (entry.isFile()) yield path
    }
  }
}
