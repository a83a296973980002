import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CreateBucketCommand, DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { z } from 'zod'
import { flagsOf } from '../support/processes.ts'
import type { Bench } from './bench-run.ts'
import { atMost, interleave } from './harness.ts'

const MB = 1024 * 1024
const SIZE = 1024 * MB
/** The S3 server of tests has 1 GB of memory, and frees what is deleted only hours later. */
const S3_SIZE = 256 * MB
/** What an upload may add to the peak memory of the process that takes it, whatever its size. */
const LIMIT_MB = 64
const BOUNDARY = 'bench'
const HEAD = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="big.bin"\r\ncontent-type: video/mp4\r\n\r\n`
const TAIL = `\r\n--${BOUNDARY}--\r\n`

const memory = z.object({ now: z.number(), peak: z.number() })

function* content(size: number): Iterable<Buffer> {
  const piece = Buffer.alloc(MB, 'chatsparty')
  yield Buffer.from(HEAD)
  for (let left = size; left > 0; left -= MB) yield piece.subarray(0, Math.min(left, MB))
  yield Buffer.from(TAIL)
}

async function upload(port: number, size: number): Promise<void> {
  const headers = {
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    'content-length': String(size + HEAD.length + TAIL.length),
  }
  const sending = request({ port, method: 'POST', path: '/api/storage/upload', headers })
  const answered = new Promise<number>((resolve, reject) => {
    sending.once('response', (response) => resolve(response.resume().statusCode ?? 0)).once('error', reject)
  })
  await pipeline(Readable.from(content(size)), sending)
  const status = await answered
  if (status !== 201) throw new Error(`the upload was answered with ${status}`)
}

interface Measured {
  /** MB per second. */
  rate: number
  /** Peak memory of the process above what it had when it was idle, in MB. */
  aboveMb: number
}

/** One upload to a fresh process, after a small one: code is compiled and pools are open before it counts as idle. */
async function measure(stage: Bench['stage'], entry: string, args: string[], size: number): Promise<Measured> {
  const env = { S3_TEST_ENDPOINT: process.env.S3_TEST_ENDPOINT, NODE_OPTIONS: await flagsOf('web') }
  const web = await stage.child(entry, { args, env })
  try {
    const port = Number(new URL(web.url).port)
    const look = async () => memory.parse(await (await fetch(`${web.url}/memory`)).json())
    await upload(port, MB)
    const idle = (await look()).now
    const started = performance.now()
    await upload(port, size)
    const seconds = (performance.now() - started) / 1_000
    return { rate: size / MB / seconds, aboveMb: ((await look()).peak - idle) / MB }
  } finally {
    await web.process.kill()
  }
}

async function empty(client: S3Client, bucket: string): Promise<void> {
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  for (const { Key } of Contents ?? []) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
}

/**
 * An upload of 1 GB may raise the peak memory of the web process by at most 64 MB, on every store there is; beside a server that
 * only writes the body to a file.
 */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  const rounds = quick ? 1 : 2
  const compare = async (store: string, size: number, bucket?: string) => {
    const database = await stage.createDatabase()
    try {
      const args = [database.url, ...(bucket ? [bucket] : [])]
      const results = await interleave(
        ['product', 'bare'],
        rounds,
        (subject) =>
          subject === 'product'
            ? measure(stage, 'test/bench/upload-server.child.ts', args, size)
            : measure(stage, 'test/bench/bare-upload-server.child.ts', [], size),
        { warmUp: false },
      )
      const of = (pick: (one: Measured) => number) => ({
        samples: results('product').map(pick),
        baseline: { name: 'http into a file', samples: results('bare').map(pick) },
      })
      const name = `${size / MB} MB, ${store}`
      report({ name: `${name}, rate`, unit: 'MB/s', ...of(({ rate }) => rate) })
      report({ name: `${name}, peak above idle`, unit: 'MB', ...of((one) => one.aboveMb), target: atMost(LIMIT_MB) })
    } finally {
      await database.drop()
    }
  }
  await compare('local store', quick ? 8 * MB : SIZE)
  const endpoint = process.env.S3_TEST_ENDPOINT
  if (!endpoint) return say('S3 store: skipped, S3_TEST_ENDPOINT gives no S3 server')
  const bucket = `bench-${randomUUID()}`
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' }
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  try {
    await compare('S3 store', quick ? 8 * MB : S3_SIZE, bucket)
  } finally {
    await empty(client, bucket)
  }
}
