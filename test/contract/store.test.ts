import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { CreateBucketCommand, CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3'
import { expect } from 'chai'
import { LocalStore } from '../../src/storage/store/local-store.ts'
import { S3Store } from '../../src/storage/store/s3-store.ts'
import { skip } from '../support/programs.ts'
import { storeContract } from './store.contract.ts'

describe('The local store', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'chatsparty-store-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  storeContract(async () => new LocalStore(root))

  it('reaches nothing outside of its folder', async () => {
    const store = new LocalStore(root)
    for (const key of ['../x', 'a/../../x', '/etc/passwd', 'a//b', 'a\0b', 'A', '', 'a/./b']) {
      const error = await store.head(key).catch((thrown: unknown) => thrown)
      expect(error, key).to.be.instanceOf(RangeError)
    }
  })

  it('removes the parts that a killed process left, once they are old', async () => {
    const store = new LocalStore(root)
    await mkdir(join(root, 'files'))
    const part = join(root, 'files', 'original.1.part')
    await writeFile(part, 'half')
    await utimes(part, new Date(), new Date(Date.now() - 60_000))
    expect(await store.sweepParts(new Date(Date.now() - 120_000))).to.equal(0)
    expect(await store.sweepParts(new Date(Date.now() - 30_000))).to.equal(1)
    expect(await readdir(join(root, 'files'))).to.deep.equal([])
  })

  it('removes what uploads of one object left, however young, and nothing of others', async () => {
    const store = new LocalStore(root)
    await mkdir(join(root, 'files', 'a'), { recursive: true })
    for (const name of ['original.1.part', 'original.2.part', 'other.1.part']) {
      await writeFile(join(root, 'files', 'a', name), 'half')
    }
    await store.removeParts('files/a/original')
    expect(await readdir(join(root, 'files', 'a'))).to.deep.equal(['other.1.part'])
    await store.removeParts('files/a/')
    await store.removeParts('files/never/')
    expect(await readdir(join(root, 'files'))).to.deep.equal([])
  })

  it('leaves no empty folders', async () => {
    const store = new LocalStore(root)
    await store.put('files/a/b', Readable.from([Buffer.from('x')]))
    await store.delete('files/a/b')
    expect(await readdir(join(root, 'files'))).to.deep.equal([])
  })
})

describe('The S3 store', function () {
  this.timeout(60_000)
  const endpoint = process.env.S3_TEST_ENDPOINT
  const keys = { accessKeyId: 'test', secretAccessKey: 'testtest' }
  let client: S3Client
  let bucket: string

  before('an S3 server', function () {
    if (!endpoint) return skip(this, 'S3_TEST_ENDPOINT gives no S3 server (keys test / testtest)')
    client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials: keys })
  })

  const start = async () => {
    bucket = `test-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    return new S3Store({ bucket, region: 'us-east-1', endpoint, forcePathStyle: true, ...keys })
  }
  storeContract(start)

  it('presigns a download with the name and type that we choose', async () => {
    const store = await start()
    await store.put('files/a/b', Readable.from([Buffer.from('0123456789')]))
    const contentDisposition = `attachment; filename="_.html"; filename*=UTF-8''%D7%93.html`
    const url = await store.presignGet('files/a/b', {
      expiresSeconds: 60,
      contentType: 'text/html',
      contentDisposition,
    })
    const answer = await fetch(url, { headers: { range: 'bytes=2-4' } })
    expect([answer.status, await answer.text()]).to.deep.equal([206, '234'])
    expect(answer.headers.get('content-disposition')).to.equal(contentDisposition)
    expect(answer.headers.get('content-type')).to.equal('text/html')
    expect((await fetch(url.replace('files/a/b', 'files/a/c'))).status).to.equal(403)
  })

  it('presigns an upload of exactly one size and type', async () => {
    const store = await start()
    const url = await store.presignPut('uploads/a', { expiresSeconds: 60, contentType: 'text/plain', size: 5 })
    const put = async (body: string, type = 'text/plain') =>
      (await fetch(url, { method: 'PUT', body, headers: { 'content-type': type } })).status
    expect([await put('too long'), await put('hello', 'text/html')]).to.deep.equal([403, 403])
    expect(await store.head('uploads/a')).to.equal(undefined)
    expect(await put('hello')).to.equal(200)
    expect(await store.head('uploads/a')).to.include({ size: 5 })
  })

  it('aborts the multipart uploads that a killed process left, once they are old', async () => {
    const store = await start()
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'files/a/b' }))
    expect(await store.sweepParts(new Date(Date.now() - 3_600_000))).to.equal(0)
    expect(await store.sweepParts(new Date(Date.now() + 3_600_000))).to.equal(1)
    expect(await store.sweepParts(new Date(Date.now() + 3_600_000))).to.equal(0)
    for (const Key of ['files/a/b', 'files/c/d']) {
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
    }
    await store.removeParts('files/a/')
    expect(await store.sweepParts(new Date(Date.now() + 3_600_000))).to.equal(1)
  })
})
