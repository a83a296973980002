import type { Readable } from 'node:stream'

/** What a store knows of an object. `size` is bytes. */
export interface StoredObject {
  key: string
  size: number
  modifiedAt: Date
}

/** An inclusive range of bytes, as in HTTP. */
export interface ByteRange {
  start: number
  end: number
}

export interface PutOptions {
  contentType?: string
  /** Abandons the write; nothing is left behind. */
  signal?: AbortSignal
}

/** How a browser shall take what a presigned address gives it. */
export interface PresignGetOptions {
  expiresSeconds: number
  contentType: string
  contentDisposition: string
}

/** The upload that a presigned address permits: exactly this many bytes of this type. */
export interface PresignPutOptions {
  expiresSeconds: number
  contentType: string
  size: number
}

/** There is no object of this key. */
export class ObjectMissing extends Error {
  override name = 'ObjectMissing'
  readonly key: string

  constructor(key: string) {
    super(`there is no object ${key}`)
    this.key = key
  }
}

/**
 * Where bytes are kept. Keys are ours (`object-keys.ts`), never a user's file name.
 *
 * An object appears whole or not at all: a `put` whose body fails, whose signal aborts or whose process dies leaves no
 * object behind (at most a part that `sweepParts` removes).
 */
export interface Store {
  /** Streams the body into the store without holding more than a few megabytes; replaces an older object. */
  put(key: string, body: Readable, options?: PutOptions): Promise<void>
  /** @throws ObjectMissing */
  get(key: string, range?: ByteRange): Promise<Readable>
  /** Undefined when there is no such object. */
  head(key: string): Promise<StoredObject | undefined>
  /** Copies within the store. @throws ObjectMissing */
  copy(from: string, to: string): Promise<void>
  /** Deleting what is not there is a success. */
  delete(key: string): Promise<void>
  /** Every object whose key starts with `prefix`, in no particular order. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** Removes the parts of uploads that began before this time and never ended. Answers how many. */
  sweepParts(before: Date): Promise<number>
  /** Removes the parts that uploads to keys with this prefix left behind, or are writing now. */
  removeParts(prefix: string): Promise<void>
  /** @throws when the store cannot be used. */
  ping(): Promise<void>
  /** An address from which the object can be fetched without signing in, where the store has such a thing. */
  presignGet?(key: string, options: PresignGetOptions): Promise<string>
  /** An address to which the object can be sent, where the store has such a thing. */
  presignPut?(key: string, options: PresignPutOptions): Promise<string>
}
