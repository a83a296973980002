import { PassThrough, Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
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

/** The smallest part that S3 takes. With `PARTS_IN_FLIGHT` it bounds the memory of one upload. */
const PART_BYTES = 5 * 1024 * 1024
const PARTS_IN_FLIGHT = 2

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

  async put(key: string, body: Readable, { contentType, signal }: PutOptions = {}): Promise<void> {
    // `Upload` ignores an abort while it waits for its body, so the abort is made an error of the body.
    const source = new PassThrough()
    body.once('error', (error) => source.destroy(error))
    const onAbort = () => source.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    body.pipe(source)
    const upload = new Upload({
      client: this.#client,
      params: { Bucket: this.#bucket, Key: key, Body: source, ContentType: contentType },
      partSize: PART_BYTES,
      queueSize: PARTS_IN_FLIGHT,
      leavePartsOnError: false,
    })
    try {
      await upload.done()
    } catch (error) {
      body.destroy()
      throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
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
    let removed = 0
    let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
    while (marker) {
      const listing: ListMultipartUploadsCommandOutput = await this.#client.send(
        new ListMultipartUploadsCommand({ Bucket: this.#bucket, ...marker }),
      )
      for (const { Key, UploadId, Initiated } of listing.Uploads ?? []) {
        if (!Key || !UploadId || !Initiated || Initiated >= before) continue
        await this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId }))
        removed++
      }
      marker = listing.IsTruncated
        ? { KeyMarker: listing.NextKeyMarker, UploadIdMarker: listing.NextUploadIdMarker }
        : undefined
    }
    return removed
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
}
