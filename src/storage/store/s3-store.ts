import { addAbortSignal, Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import {
  type ByteRange,
  ObjectMissing,
  type PresignGetOptions,
  type PresignPutOptions,
  type PutOptions,
  type Store,
  type StoredObject,
} from './store.ts'

/** The smallest part that S3 takes: an upload holds two of them, one being filled while the other is sent. */
const PART_BYTES = 5 * 1024 * 1024
/** Part buffers kept for the next upload. */
const POOL = 8

/** `accessKeyId` and `secretAccessKey` unset: the SDK's own chain (environment, profile, instance role). */
export interface S3StoreOptions {
  bucket: string
  region: string
  endpoint?: string
  accessKeyId?: string
  secretAccessKey?: string
  /** For servers that have no host name per bucket, as R2 and most S3-compatible ones. */
  forcePathStyle?: boolean
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && ['NoSuchKey', 'NotFound', '404'].includes(error.name)

/** Keeps objects in a bucket of S3, or of what speaks its protocol. */
export class S3Store implements Store {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #buffers: Buffer[] = []

  constructor({ bucket, region, endpoint, accessKeyId, secretAccessKey, forcePathStyle }: S3StoreOptions) {
    this.#bucket = bucket
    this.#client = new S3Client({
      region,
      endpoint,
      forcePathStyle,
      credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
      // Compatible servers answer 411 to the trailing checksums that the SDK sends otherwise.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: 3,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 120_000, httpsAgent: { maxSockets: 200 } },
    })
  }

  /**
   * Small bodies by one request, others in parts. Parts are filled in buffers that are used again and again: lib-storage's
   * `Upload` keeps the body's own chunks until a part is full, and 1 GB of them raised the memory of the process by
   * 75 MB and more before the garbage collector came.
   */
  async put(key: string, body: Readable, { contentType, signal }: PutOptions = {}): Promise<void> {
    const object = { Bucket: this.#bucket, Key: key }
    const options = { abortSignal: signal }
    let part = this.#takeBuffer()
    let spare: Buffer | undefined
    let filled = 0
    let uploadId: string | undefined
    let sending: Promise<void> | undefined
    const parts: Array<{ ETag: string | undefined; PartNumber: number }> = []

    const sendPart = async () => {
      await sending
      uploadId ??= await this.#beginParts(key, contentType)
      const [full, size, PartNumber] = [part, filled, parts.length + 1]
      const numbered: (typeof parts)[number] = { ETag: undefined, PartNumber }
      parts.push(numbered)
      const Body = full.subarray(0, size)
      sending = this.#client
        .send(new UploadPartCommand({ ...object, UploadId: uploadId, PartNumber, Body }), options)
        .then(({ ETag }) => {
          numbered.ETag = ETag
          spare = full
        })
      // Its failure is seen by whoever awaits it next.
      sending.catch(() => undefined)
      part = spare ?? this.#takeBuffer()
      spare = undefined
      filled = 0
    }

    try {
      for await (const piece of signal ? addAbortSignal(signal, body) : body) {
        let rest: Buffer = piece
        while (rest.length > 0) {
          if (filled === PART_BYTES) await sendPart()
          const copied = rest.copy(part, filled)
          filled += copied
          rest = rest.subarray(copied)
        }
      }
      if (uploadId === undefined) {
        const Body = part.subarray(0, filled)
        await this.#client.send(new PutObjectCommand({ ...object, Body, ContentType: contentType }), options)
      } else {
        await sendPart()
        await sending
        const complete = { ...object, UploadId: uploadId, MultipartUpload: { Parts: parts } }
        await this.#client.send(new CompleteMultipartUploadCommand(complete), options)
      }
    } catch (error) {
      body.destroy()
      await sending?.catch(() => undefined)
      if (uploadId !== undefined) await this.#abandonParts(key, uploadId)
      throw error
    }
    // Only here: after a failure a request may still hold its buffer.
    for (const buffer of [part, spare]) if (buffer && this.#buffers.length < POOL) this.#buffers.push(buffer)
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const bytes = range && `bytes=${range.start}-${range.end}`
    try {
      const answer = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range: bytes }))
      if (answer.Body instanceof Readable) return answer.Body
      throw new Error('the store answered without a stream')
    } catch (error) {
      throw isMissing(error) ? new ObjectMissing(key) : error
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }))
      return { key, size: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async copy(from: string, to: string): Promise<void> {
    const source = `${this.#bucket}/${from}`
    await this.#client
      .send(new CopyObjectCommand({ Bucket: this.#bucket, Key: to, CopySource: source }))
      .catch((error: unknown) => {
        throw isMissing(error) ? new ObjectMissing(from) : error
      })
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }))
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    let token: string | undefined
    do {
      const listing = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ContinuationToken: token }),
      )
      for (const { Key, Size, LastModified } of listing.Contents ?? []) {
        if (Key !== undefined) yield { key: Key, size: Size ?? 0, modifiedAt: LastModified ?? new Date(0) }
      }
      token = listing.NextContinuationToken
    } while (token)
  }

  async sweepParts(before: Date): Promise<number> {
    return this.#abortUploads('', before)
  }

  async removeParts(prefix: string): Promise<void> {
    await this.#abortUploads(prefix, undefined)
  }

  async ping(): Promise<void> {
    await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }))
  }

  presignGet(key: string, options: PresignGetOptions): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ResponseContentType: options.contentType,
      ResponseContentDisposition: options.contentDisposition,
      ResponseCacheControl: 'private, no-store',
    })
    return getSignedUrl(this.#client, command, { expiresIn: options.expiresSeconds })
  }

  presignPut(key: string, options: PresignPutOptions): Promise<string> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ContentType: options.contentType,
      ContentLength: options.size,
    })
    // Both headers are signed: a body of another length or type is refused by the store itself.
    return getSignedUrl(this.#client, command, {
      expiresIn: options.expiresSeconds,
      signableHeaders: new Set(['host', 'content-length', 'content-type']),
    })
  }

  #takeBuffer(): Buffer {
    return this.#buffers.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES)
  }

  async #beginParts(key: string, contentType: string | undefined): Promise<string> {
    const command = new CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: key, ContentType: contentType })
    const { UploadId } = await this.#client.send(command)
    if (!UploadId) throw new Error('the store began an upload without an id')
    return UploadId
  }

  /** Aborts uploads in parts, of keys with this prefix, that began before this time (undefined: all). Answers how many. */
  async #abortUploads(prefix: string, before: Date | undefined): Promise<number> {
    let removed = 0
    let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
    while (marker) {
      const listing: ListMultipartUploadsCommandOutput = await this.#client.send(
        new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix || undefined, ...marker }),
      )
      for (const { Key, UploadId, Initiated } of listing.Uploads ?? []) {
        if (!Key?.startsWith(prefix) || !UploadId || (before && (!Initiated || Initiated >= before))) continue
        await this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId }))
        removed++
      }
      marker = listing.IsTruncated
        ? { KeyMarker: listing.NextKeyMarker, UploadIdMarker: listing.NextUploadIdMarker }
        : undefined
    }
    return removed
  }

  /** What cannot be removed now, `sweepParts` does. */
  async #abandonParts(key: string, uploadId: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key: key, UploadId: uploadId })
    await this.#client.send(command).catch(() => undefined)
  }
}
