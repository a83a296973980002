import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { AppError } from '../../src/shared/errors.ts'
import { reconcileFiles } from '../../src/storage/processing/file-reconciler.ts'
import { auditStorage } from '../../src/storage/storage-audit.ts'
import { objectKeys } from '../../src/storage/store/object-keys.ts'
import type { Store } from '../../src/storage/store/store.ts'
import { useDatabase } from '../support/database.ts'
import { eventually } from '../support/pace.ts'
import { createFilesWorld, type FilesWorld, LIMITS } from './files-world.ts'

const text = { name: 'a.txt', contentType: 'text/plain' }
const stream = (size: number) =>
  Readable.from(
    (function* () {
      for (let left = size; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536), 'a')
    })(),
  )
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => (error instanceof AppError ? `${error.status} ${error.code}` : error),
  )

describe('Uploads', () => {
  const db = useDatabase({ poolSize: 20 })
  let world: FilesWorld
  let userId: string
  const open = async (...options: Parameters<typeof createFilesWorld> extends [unknown, ...infer R] ? R : never) => {
    await world?.close().catch(() => undefined)
    world = await createFilesWorld(db.dataSource, ...options)
    userId = await world.user()
  }
  beforeEach(async () => {
    await db.dataSource.query('DELETE FROM files')
    await open()
  })
  after(() => world.close())

  const rows = async () =>
    (await db.dataSource.query('SELECT status FROM files')).map((row: { status: string }) => row.status)
  const nothingLeft = async () => {
    expect(await rows()).to.deep.equal([])
    expect(await world.objects()).to.deep.equal([])
  }
  const reconcile = () => reconcileFiles({ ...world.domain, maxAttempts: 3, redispatchAfterMs: 60_000 })
  const expire = () => db.dataSource.query(`UPDATE files SET deadline_at = now() WHERE status = 'uploading'`)

  it('are hashed and counted while they stream, and then are processed', async () => {
    const content = Buffer.from('hello world')
    const view = await world.upload(userId, '../x/a.txt', 'Text/Plain; charset=utf-8', content)
    expect(view).to.include({
      name: 'a.txt',
      contentType: 'text/plain',
      size: 11,
      sha256: createHash('sha256').update(content).digest('hex'),
      status: 'processing',
    })
    expect(await world.objects()).to.deep.equal([objectKeys(view.id).original])
    expect(world.queue.jobs.map((job) => job.fileId)).to.deep.equal([view.id])
  })

  it('over the limit are refused, and nothing is left', async () => {
    expect(await codeOf(world.domain.uploads.receive(userId, text, stream(LIMITS.uploadMaxBytes + 1)))).to.equal(
      '413 file.too_large',
    )
    await nothingLeft()
    expect(await codeOf(world.domain.uploads.receive(userId, text, stream(LIMITS.uploadMaxBytes)))).to.equal('ok')
  })

  it('whose client leaves are forgotten', async () => {
    const gone = new AbortController()
    const body = new Readable({ read() {} })
    body.push(Buffer.alloc(100_000))
    const receiving = world.domain.uploads.receive(userId, text, body, { signal: gone.signal })
    gone.abort()
    expect(await codeOf(receiving)).to.equal('400 upload.interrupted')
    const broken = new Readable({ read() {} })
    const cut = world.domain.uploads.receive(userId, text, broken)
    broken.push(Buffer.alloc(100_000))
    setImmediate(() => broken.destroy())
    expect(await codeOf(cut)).to.equal('400 upload.interrupted')
    await nothingLeft()
  })

  it('that stop moving are given up', async () => {
    await open({ limits: { uploadIdleMs: 30 } })
    expect(await codeOf(world.domain.uploads.receive(userId, text, new Readable({ read() {} })))).to.equal(
      '400 upload.interrupted',
    )
    await nothingLeft()
  })

  it('during which the store breaks are refused, and nothing is left', async () => {
    const breaking = (local: Store): Store => {
      const store: Store = Object.create(local)
      store.put = async (_key, body) => {
        for await (const _chunk of body) throw new Error('disk full')
      }
      for (const name of ['delete', 'list', 'head', 'get'] as const)
        Object.assign(store, { [name]: local[name].bind(local) })
      return store
    }
    await open({ store: breaking })
    expect(await codeOf(world.domain.uploads.receive(userId, text, stream(500_000)))).to.equal(
      '503 storage.unavailable',
    )
    await nothingLeft()
  })

  it('a hundred at once all arrive', async () => {
    const views = await Promise.all(
      Array.from({ length: 100 }, (_none, index) =>
        world.upload(userId, `f${index}.txt`, 'text/plain', `file ${index}`),
      ),
    )
    expect(new Set(views.map((view) => view.sha256)).size).to.equal(100)
    expect(await world.objects()).to.have.length(100)
    expect(await world.domain.files.usage(userId)).to.include({ files: 100 })
  })

  describe('within quotas', () => {
    it('together never take more bytes than the user may have', async () => {
      await open({ limits: { userBytes: 1_000_000 } })
      const upload = async () => {
        const expected = { most: 400_000 }
        const received = await world.domain.uploads.receive(userId, text, stream(400_000), { expected })
        return world.domain.uploads.accept(userId, [received])
      }
      const uploads = await Promise.all(Array.from({ length: 5 }, () => codeOf(upload())))
      expect(uploads.sort()).to.deep.equal([...Array(3).fill('413 storage.quota_exceeded'), 'ok', 'ok'])
      expect(await world.domain.files.usage(userId)).to.include({ bytes: 800_000, files: 2 })
      expect(await world.objects()).to.have.length(2)
      expect(await codeOf(world.domain.uploads.receive(userId, text, stream(300_000)))).to.equal(
        '413 storage.quota_exceeded',
      )
    })

    it('of tools leave room for what their user brings: they have half of it, in bytes and in number', async () => {
      const made = (size: number) =>
        codeOf(
          world.domain.uploads
            .receive(userId, text, stream(size), { expected: { least: size, most: size }, byTool: true })
            .then((received) => world.domain.uploads.accept(userId, [received])),
        )
      await open({ limits: { userBytes: 1_000_000, userFiles: 100 } })
      expect(await Promise.all([made(300_000), made(300_000)]).then((ends) => ends.sort())).to.deep.equal([
        '413 storage.quota_exceeded',
        'ok',
      ])
      await world.upload(userId, 'mine.txt', 'text/plain', Buffer.alloc(600_000, 'a'))
      // There is room for tools, but not in all of it.
      expect(await made(150_000)).to.equal('413 storage.quota_exceeded')
      // Nor do they use up what may come in a minute, and a day.
      await open({ limits: { uploadsPerMinute: 2 } })
      expect([await made(1), await made(1)]).to.deep.equal(['ok', '429 upload.rate_limited'])
      await world.upload(userId, 'mine.txt', 'text/plain', 'a')
      await open({ limits: { uploadBytesPerDay: 1_000 } })
      expect([await made(400), await made(200)]).to.deep.equal(['ok', '429 upload.rate_limited'])
      await world.upload(userId, 'mine.txt', 'text/plain', Buffer.alloc(600, 'a'))
      await open({ limits: { userFiles: 4 } })
      expect([await made(1), await made(1), await made(1)]).to.deep.equal(['ok', 'ok', '413 storage.quota_exceeded'])
      await world.upload(userId, 'mine.txt', 'text/plain', 'a')
      // Nor do they hide what is searched.
      await db.dataSource.query(`UPDATE files SET status = 'ready' WHERE user_id = $1`, [userId])
      const found = await world.domain.rows.latest(userId, { own: 5, byTool: 1 })
      expect(found.map(({ name }) => name)).to.have.members(['a.txt', 'mine.txt'])
    })

    it('are refused at once when they announce too much', async () => {
      const body = stream(10)
      const options = { expected: { least: LIMITS.userBytes + 1 } }
      expect(await codeOf(world.domain.uploads.receive(userId, text, body, options))).to.equal(
        '413 storage.quota_exceeded',
      )
      expect(body.readableDidRead).to.equal(false)
    })

    it('take their room before the first byte, and give back what did not come', async () => {
      await open({ limits: { userBytes: 1_000_000 } })
      const slow = new Readable({ read() {} })
      slow.push(Buffer.alloc(10))
      const receiving = world.domain.uploads.receive(userId, text, slow, { expected: { most: 900_000 } })
      await eventually(async () => (await world.domain.files.usage(userId)).bytes === 900_000)
      const late = stream(200_000)
      expect(await codeOf(world.domain.uploads.receive(userId, text, late, { expected: { least: 200_000 } }))).to.equal(
        '413 storage.quota_exceeded',
      )
      expect(late.readableDidRead).to.equal(false)
      slow.push(null)
      await receiving
      expect((await world.domain.files.usage(userId)).bytes).to.equal(10)
      // One that ends in nothing gives back all of it.
      const gone = new AbortController()
      const cut = world.domain.uploads.receive(userId, text, new Readable({ read() {} }), { signal: gone.signal })
      await eventually(async () => (await world.domain.files.usage(userId)).bytes === 1_000_000)
      gone.abort()
      expect(await codeOf(cut)).to.equal('400 upload.interrupted')
      expect((await world.domain.files.usage(userId)).bytes).to.equal(10)
    })

    it('of a day are not given back by deletion: neither bytes nor the number of uploads', async () => {
      await open({ limits: { uploadBytesPerDay: 1_000_000 } })
      const upload = async (size: number) => {
        const expected = { least: size, most: size }
        const received = await world.domain.uploads.receive(userId, text, stream(size), { expected })
        await world.domain.uploads.accept(userId, [received])
        await world.domain.files.delete(userId, received.id)
      }
      for (const size of [400_000, 400_000, 150_000]) expect(await codeOf(upload(size))).to.equal('ok')
      expect(await codeOf(upload(400_000))).to.equal('429 upload.rate_limited')
      await nothingLeft()
      const interrupted = world.domain.uploads.receive(userId, text, Readable.from([]).destroy())
      expect(await codeOf(interrupted), 'what was not written is not paid').to.equal('400 upload.interrupted')
      expect(await codeOf(upload(40_000))).to.equal('ok')
      await open({ limits: { uploadsPerMinute: 2 } })
      for (const code of ['ok', 'ok', '429 upload.rate_limited']) expect(await codeOf(upload(1))).to.equal(code)
    })

    it('are counted, and per minute', async () => {
      await open({ limits: { userFiles: 2 } })
      await world.upload(userId, 'a', 'text/plain', 'a')
      await world.upload(userId, 'b', 'text/plain', 'b')
      expect(await codeOf(world.domain.uploads.receive(userId, text, stream(1)))).to.equal('413 storage.quota_exceeded')
      await open({ limits: { uploadsPerMinute: 1 } })
      await world.upload(userId, 'a', 'text/plain', 'a')
      expect(await codeOf(world.domain.uploads.receive(userId, text, stream(1)))).to.equal('429 upload.rate_limited')
    })

    it('get their room back by deletion', async () => {
      await open({ limits: { userFiles: 1 } })
      const { id } = await world.upload(userId, 'a', 'text/plain', 'a')
      await world.domain.files.delete(userId, id)
      await world.upload(userId, 'b', 'text/plain', 'b')
      expect(await world.domain.files.usage(userId)).to.deep.include({ bytes: 1, files: 1 })
    })
  })

  describe('after a crash', () => {
    it('before the bytes: the sweep removes the row', async () => {
      await world.domain.rows.insertUploading({
        id: '019e5a1c-7d3e-7000-8000-0123456789ab',
        userId,
        name: 'a',
        contentType: 'text/plain',
        size: 0,
        direct: false,
        byTool: false,
        deadlineMs: 60_000,
      })
      await reconcile()
      expect(await rows()).to.deep.equal(['uploading'])
      await expire()
      await reconcile()
      await nothingLeft()
    })

    it('before the acceptance: the sweep removes row and object', async () => {
      await world.domain.uploads.receive(userId, text, stream(100))
      await expire()
      await reconcile()
      await nothingLeft()
    })

    it('in a deletion: the sweep ends it, whenever the store is back', async () => {
      const { id } = await world.upload(userId, 'a', 'text/plain', 'a')
      await world.domain.rows.markDeleting(userId, [id])
      await reconcile()
      await nothingLeft()
    })
  })

  it('that were swept while they still ran leave nothing either', async () => {
    const received = await world.domain.uploads.receive(userId, text, stream(100))
    await expire()
    await reconcile()
    // The bytes of a stalled process may come after the sweep.
    await world.store.put(objectKeys(received.id).original, stream(100))
    expect(await codeOf(world.domain.uploads.accept(userId, [received]))).to.equal('400 upload.interrupted')
    await nothingLeft()
  })

  describe('sent to the store directly', () => {
    const direct = { ...text, size: 5 }

    it('become files when they are complete, once', async () => {
      const upload = await world.domain.uploads.beginDirect(userId, direct)
      expect(upload).to.include({ method: 'PUT', url: `/api/storage/uploads/${upload.id}/content` })
      expect(await codeOf(world.domain.files.get(userId, upload.id))).to.equal('404 file.not_found')
      await world.domain.uploads.putContent(userId, upload.id, Readable.from([Buffer.from('hello')]))
      const complete = () => world.domain.uploads.completeDirect(userId, upload.id)
      const { copy } = world.store
      // The other one is done in the middle of this one.
      world.store.copy = async (...keys) => {
        world.store.copy = copy.bind(world.store)
        await complete()
        return world.store.copy(...keys)
      }
      const views = [await complete(), await complete()]
      expect(views.map((view) => view.id)).to.deep.equal([upload.id, upload.id])
      expect(views[0]).to.include({ size: 5, sha256: null, status: 'processing' })
      expect(await world.objects()).to.deep.equal([objectKeys(upload.id).original])
      await world.work()
      expect((await world.domain.files.get(userId, upload.id)).sha256).to.match(/^2cf24dba/)
    })

    it('have one writer at a time, and pay for each time that they are written', async () => {
      await open({ limits: { uploadBytesPerDay: 30 } })
      const { id } = await world.domain.uploads.beginDirect(userId, direct)
      const put = (body: Readable) => codeOf(world.domain.uploads.putContent(userId, id, body))
      const slow = new Readable({ read() {} })
      slow.push('hel')
      const writing = put(slow)
      const isWritten = async () => (await world.domain.rows.findUploading(userId, id))?.leaseUntil != null
      await eventually(isWritten)
      const others = await Promise.all(Array.from({ length: 11 }, () => put(Readable.from([Buffer.from('other')]))))
      expect(new Set(others)).to.deep.equal(new Set(['409 upload.busy']))
      expect(await codeOf(world.domain.uploads.completeDirect(userId, id))).to.equal('409 upload.busy')
      slow.push('lo')
      slow.push(null)
      expect(await writing).to.equal('ok')
      const again = () => put(Readable.from([Buffer.from('again')]))
      for (let i = 0; i < 5; i++) expect(await again()).to.equal('ok')
      expect(await again()).to.equal('429 upload.rate_limited')
      const view = await world.domain.uploads.completeDirect(userId, id)
      expect(view.size).to.equal(5)
      expect(await world.objects()).to.deep.equal([objectKeys(id).original])
    })

    it('whose writer lost it leave nothing of theirs', async () => {
      const { id } = await world.domain.uploads.beginDirect(userId, direct)
      const slow = new Readable({ read() {} })
      slow.push('hel')
      const writing = codeOf(world.domain.uploads.putContent(userId, id, slow))
      await eventually(async () => (await world.domain.rows.findUploading(userId, id))?.leaseUntil != null)
      // The process stood still for longer than its lease; meanwhile the upload was swept.
      await db.dataSource.query(`UPDATE files SET lease_until = now() - interval '1 s'`)
      await expire()
      await reconcile()
      slow.push('lo')
      slow.push(null)
      expect(await writing).to.equal('400 upload.interrupted')
      await nothingLeft()
    })

    it('reserve their room', async () => {
      await open({ limits: { userBytes: 8 } })
      await world.domain.uploads.beginDirect(userId, direct)
      expect(await codeOf(world.domain.uploads.beginDirect(userId, direct))).to.equal('413 storage.quota_exceeded')
      expect(await codeOf(world.domain.uploads.beginDirect(userId, { ...text, size: 1e9 }))).to.equal(
        '413 file.too_large',
      )
    })

    it('have the size that was announced, and belong to who announced it', async () => {
      const { id } = await world.domain.uploads.beginDirect(userId, direct)
      const put = (content: string, by = userId) =>
        codeOf(world.domain.uploads.putContent(by, id, Readable.from([Buffer.from(content)])))
      expect(await codeOf(world.domain.uploads.completeDirect(userId, id))).to.equal('409 upload.incomplete')
      expect(await put('longer')).to.equal('413 file.too_large')
      expect(await put('less')).to.equal('400 upload.interrupted')
      const stranger = await world.user()
      expect(await put('hello', stranger)).to.equal('404 upload.not_found')
      expect(await codeOf(world.domain.uploads.completeDirect(stranger, id))).to.equal('404 upload.not_found')
      expect(await world.objects()).to.deep.equal([])
    })
  })

  describe('are audited', () => {
    it('both ways; old orphans can be removed', async () => {
      const { id } = await world.upload(userId, 'a', 'text/plain', 'a')
      const lost = await world.upload(userId, 'b', 'text/plain', 'b')
      await world.store.delete(objectKeys(lost.id).original)
      const orphan = objectKeys('019e5a1c-7d3e-7000-8000-0123456789ab').original
      await world.store.put(orphan, stream(5))
      await world.store.put(objectKeys(id).staging, stream(5))
      const audit = (fix: boolean, graceMs: number) =>
        auditStorage({ files: world.domain.rows, store: world.store }, { fix, graceMs })
      expect((await audit(true, 60_000)).orphans).to.deep.equal([])
      const found = { orphans: [orphan, objectKeys(id).staging], missing: [lost.id], files: 2, objects: 3 }
      expect(await audit(false, -1_000)).to.deep.include({ ...found, removed: 0 })
      expect(await audit(true, -1_000)).to.deep.include({ ...found, removed: 2 })
      expect(await world.objects()).to.deep.equal([objectKeys(id).original])
    })
  })

  describe('are listed', () => {
    it('newest first, in pages, by status and name, to their owner only', async () => {
      const ids: string[] = []
      for (const name of ['a_1.txt', 'a%2.txt', 'B3.txt'])
        ids.unshift((await world.upload(userId, name, 'text/plain', name)).id)
      await world.domain.uploads.receive(userId, text, stream(5))
      const list = async (filter: object) =>
        (await world.domain.files.list(userId, { limit: 10, ...filter })).map((view) => view.id)
      expect(await list({})).to.deep.equal(ids)
      expect(await list({ limit: 1 })).to.deep.equal(ids.slice(0, 2))
      expect(await list({ cursor: ids[0] })).to.deep.equal(ids.slice(1))
      expect(await list({ name: 'b3' })).to.deep.equal([ids[0]])
      expect(await list({ name: '%' })).to.deep.equal([ids[1]])
      expect(await list({ status: 'ready' })).to.deep.equal([])
      expect(await world.domain.files.list(await world.user(), { limit: 10 })).to.deep.equal([])
    })
  })
})
