import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { expect } from 'chai'
import { reconcileFiles } from '../../src/storage/processing/file-reconciler.ts'
import { objectKeys } from '../../src/storage/store/object-keys.ts'
import { S3Store } from '../../src/storage/store/s3-store.ts'
import { useDatabase } from '../support/database.ts'
import { pdf } from '../support/file-corpus.ts'
import { skip } from '../support/programs.ts'
import { createFilesWorld, type FilesWorld } from './files-world.ts'

describe('Files in S3', function () {
  this.timeout(60_000)
  const endpoint = process.env.S3_TEST_ENDPOINT
  const keys = { accessKeyId: 'test', secretAccessKey: 'testtest' }
  const db = useDatabase()
  let world: FilesWorld
  let store: S3Store
  let userId: string

  before('an S3 server', async function () {
    if (!endpoint) return skip(this, 'S3_TEST_ENDPOINT gives no S3 server (keys test / testtest)')
    const bucket = `test-${randomUUID()}`
    const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials: keys })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    store = new S3Store({ bucket, region: 'us-east-1', endpoint, forcePathStyle: true, ...keys })
    world = await createFilesWorld(db.dataSource, { store: () => store })
    userId = await world.user()
  })
  after(() => world?.close())

  const get = (id: string) => world.domain.files.get(userId, id)

  it('are uploaded, processed, downloaded by a presigned address, and deleted', async () => {
    const content = pdf(['High tide'])
    const { id } = await world.upload(userId, 'דוח "1".pdf', 'application/pdf', content)
    await world.work()
    expect(await get(id)).to.include({ status: 'ready', pages: 1 })
    const download = await world.domain.files.download(userId, id, { inline: true })
    if (download.kind !== 'redirect') throw new Error('S3 presigns')
    const answer = await fetch(download.url)
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).to.equal(true)
    expect(answer.headers.get('content-type')).to.equal('application/pdf')
    expect(answer.headers.get('content-disposition')).to.equal(
      `inline; filename="___ _1_.pdf"; filename*=UTF-8''%D7%93%D7%95%D7%97%20%221%22.pdf`,
    )
    await world.domain.files.delete(userId, id)
    expect((await fetch(download.url)).status).to.equal(404)
  })

  it('go there directly, and no address can change them afterwards', async () => {
    const declared = { name: 'a.txt', contentType: 'text/plain', size: 5 }
    const upload = await world.domain.uploads.beginDirect(userId, declared)
    const put = async (body: string) =>
      (await fetch(upload.url, { method: upload.method, headers: upload.headers, body })).status
    expect(await put('too much')).to.equal(403)
    expect(await put('hello')).to.equal(200)
    await world.domain.uploads.completeDirect(userId, upload.id)
    expect(await put('hallo')).to.equal(200)
    await world.work()
    expect(await get(upload.id)).to.include({ status: 'ready', textLength: 5 })
    const [passage] = await world.domain.files.contextFor([upload.id], 'x', 100)
    expect(passage?.text).to.equal('hello')
    await world.domain.files.delete(userId, upload.id)
    expect(await store.head(objectKeys(upload.id).staging)).to.equal(undefined)
  })

  it('that never arrived are swept', async () => {
    const { id } = await world.domain.uploads.beginDirect(userId, { name: 'a', contentType: undefined, size: 5 })
    await store.put(objectKeys(id).staging, Readable.from([Buffer.from('hel')]))
    await db.dataSource.query('UPDATE files SET deadline_at = now() WHERE id = $1', [id])
    await reconcileFiles({ ...world.domain, maxAttempts: 3, redispatchAfterMs: 60_000 })
    expect(await store.head(objectKeys(id).staging)).to.equal(undefined)
    expect(await db.dataSource.query('SELECT id FROM files WHERE id = $1', [id])).to.deep.equal([])
  })

  it('of which the client leaves nothing remains, not even parts', async () => {
    const body = Readable.from(
      (function* () {
        for (let sent = 0; sent < 4; sent++) yield Buffer.alloc(1_000_000)
        throw new Error('gone')
      })(),
    )
    const error = await world.domain.uploads
      .receive(userId, { name: 'a', contentType: undefined }, body)
      .catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'upload.interrupted')
    expect(await store.sweepParts(new Date(Date.now() + 3_600_000))).to.equal(0)
  })
})
