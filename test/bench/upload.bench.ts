import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CreateBucketCommand, DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { z } from 'zod'
import { createDatabase } from '../support/database.ts'
import { startProcess } from '../support/processes.ts'

const MB = 1024 * 1024
const SIZE = 1024 * MB
/** The S3 server of tests has 1 GB of memory, and frees what is deleted only hours later. */
const S3_SIZE = 256 * MB
const LIMIT = 64 * MB
const BOUNDARY = 'bench'
const HEAD = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="big.bin"\r\ncontent-type: video/mp4\r\n\r\n`
const TAIL = `\r\n--${BOUNDARY}--\r\n`

const manifest = z.object({ scripts: z.object({ web: z.string() }) })
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

/** The flags with which `npm run web` starts node: the bench measures that process, not a better one. */
async function webFlags(): Promise<string> {
  const { scripts } = manifest.parse(JSON.parse(await readFile('package.json', 'utf8')))
  return (
    scripts.web
      .match(/ --\S+/g)
      ?.join('')
      .trim() ?? ''
  )
}

async function measure(name: string, size: number, bucket?: string): Promise<void> {
  const database = await createDatabase()
  const web = startProcess('test/bench/upload-server.child.ts', {
    args: [database.url, ...(bucket ? [bucket] : [])],
    env: { S3_TEST_ENDPOINT: process.env.S3_TEST_ENDPOINT, NODE_OPTIONS: await webFlags() },
  })
  try {
    const port = Number((await web.waitForLine(/listening (\d+)/))[1])
    const look = async () => memory.parse(await (await fetch(`http://127.0.0.1:${port}/memory`)).json())
    // Code is compiled and pools are open before the process counts as idle.
    await upload(port, MB)
    const idle = (await look()).now
    const started = performance.now()
    await upload(port, size)
    const seconds = (performance.now() - started) / 1_000
    const above = (await look()).peak - idle
    const rate = Math.round(size / MB / seconds)
    console.log(
      `upload of ${size / MB} MB, ${name}: ${seconds.toFixed(1)} s (${rate} MB/s), idle ${Math.round(idle / MB)} MB, peak ${(above / MB).toFixed(1)} MB above idle`,
    )
    if (above > LIMIT) throw new Error(`peak memory is ${Math.round(above / MB)} MB above idle, more than 64 MB`)
  } finally {
    await web.kill()
    await database.drop()
  }
}

async function empty(client: S3Client, bucket: string): Promise<void> {
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  for (const { Key } of Contents ?? []) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
}

/** A 1 GB upload may raise the peak memory of the web process by at most 64 MB, on every store there is. */
export async function run(): Promise<void> {
  await measure('local store', SIZE)
  const endpoint = process.env.S3_TEST_ENDPOINT
  if (!endpoint) return console.log('upload, S3 store: skipped, S3_TEST_ENDPOINT gives no S3 server')
  const bucket = `bench-${randomUUID()}`
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' }
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  try {
    await measure('S3 store', S3_SIZE, bucket)
  } finally {
    await empty(client, bucket)
  }
}
