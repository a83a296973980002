import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, utimes } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect } from 'chai'
import sharp from 'sharp'
import { Postpone } from '../../src/queue/job-queue.ts'
import { newId } from '../../src/shared/ids.ts'
import { reconcileFiles } from '../../src/storage/processing/file-reconciler.ts'
import { timeForFile } from '../../src/storage/processing/file-share.ts'
import { objectKeys } from '../../src/storage/store/object-keys.ts'
import { ClamScanner } from '../../workers/virus-scanner.ts'
import { useDatabase } from '../support/database.ts'
import { manyPages, pdf, zipBomb } from '../support/file-corpus.ts'
import { startProcess } from '../support/processes.ts'
import { createFilesWorld, type FilesWorld } from './files-world.ts'

const PDF = 'application/pdf'
const context = () => ({ signal: new AbortController().signal })

describe('Processing files', () => {
  const db = useDatabase()
  let world: FilesWorld
  let userId: string
  beforeEach(async () => {
    world = await createFilesWorld(db.dataSource)
    userId = await world.user()
    await db.dataSource.query('DELETE FROM files')
  })
  afterEach(() => world.close())

  const get = (id: string) => world.domain.files.get(userId, id)
  const reconcile = (redispatchAfterMs = 60_000) =>
    reconcileFiles({ ...world.domain, maxAttempts: 3, redispatchAfterMs })
  const sql = (text: string, ...parameters: unknown[]) => db.dataSource.query(text, parameters)

  it('makes an uploaded PDF ready, with its pages and text, and tells', async () => {
    const { id, status } = await world.upload(userId, 'tides.pdf', PDF, pdf(['High tide at noon', 'Low tide at six']))
    expect(status).to.equal('processing')
    await world.work()
    expect(await get(id)).to.include({ status: 'ready', pages: 2, textLength: 32, error: null })
    expect(world.told.map((view) => [view.id, view.status])).to.deep.equal([[id, 'ready']])
  })

  it('keeps stripped copies of images for models', async () => {
    const image = await sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } })
      .webp()
      .toBuffer()
    const { id } = await world.upload(userId, 'a.webp', 'image/webp', image)
    await world.work()
    const seen = await world.domain.files.imageOf(id)
    expect(seen).to.include({ fileId: id, name: 'a.webp', contentType: 'image/png' })
    expect(await sharp(seen?.data).metadata()).to.include({ format: 'png', width: 30 })
    expect(await world.objects()).to.deep.equal(
      [objectKeys(id).original, objectKeys(id).stripped, objectKeys(id).thumbnail].sort(),
    )
  })

  it('fails what cannot be read with a reason, once and for all', async () => {
    const bomb = await world.upload(userId, 'a.docx', 'application/octet-stream', zipBomb())
    const lie = await world.upload(userId, 'a.png', 'image/png', '<html></html>')
    await world.work()
    expect((await get(bomb.id)).error?.code).to.equal('file.archive_bomb')
    expect((await get(lie.id)).error).to.deep.equal({
      code: 'file.type_mismatch',
      message: 'The file claims to be image/png, but its content is text/plain.',
    })
    expect(world.queue.jobs).to.deep.equal([])
  })

  it('fails a file that takes too long, and does not try it again: it would take as long', async () => {
    const { id } = await world.upload(userId, 'a.pdf', PDF, manyPages(20_000))
    const limits = { timeoutMs: 400, memoryMb: 256, maxPages: 50_000, maxTextChars: 500_000 }
    const processor = world.processor({ limits, backoff: { baseMs: 1, maxMs: 10_000 } })
    await world.work(processor)
    expect((await get(id)).error?.code).to.equal('file.processing_timeout')
    expect(world.queue.jobs).to.deep.equal([])
  })

  it('gives a small file little time, and a large one what it may need', () => {
    const limits = { leastMs: 15_000, perMbMs: 15_000, mostMs: 60_000 }
    expect([1_300, 2_097_152, 50_000_000].map((size) => timeForFile({ size }, limits))).to.deep.equal([
      15_019, 45_000, 60_000,
    ])
  })

  it('is shared by users, however many files one of them brings: who had the least read comes next', async () => {
    const [greedy, modest] = [await world.user(), await world.user()]
    const many: string[] = []
    for (let n = 0; n < 6; n++) many.push((await world.upload(greedy, `${n}.txt`, 'text/plain', `hello ${n}`)).id)
    const processor = world.processor()
    const next = () => processor.handle({ fileId: world.queue.jobs.shift()?.fileId ?? '' }, context())
    await next()
    const one = await world.upload(modest, 'mine.txt', 'text/plain', 'hello')
    // Its own job is behind five others.
    await next()
    expect((await world.domain.files.get(modest, one.id)).status).to.equal('ready')
    while (world.queue.jobs.length > 0) await next()
    for (const id of many) expect((await world.domain.files.get(greedy, id)).status).to.equal('ready')
  })

  it('waits once a user’s files have been read for an hour’s share', async () => {
    const greedy = await world.user()
    const { id } = await world.upload(greedy, 'a.txt', 'text/plain', 'hello')
    await world.domain.work.noteEffort(greedy, 1_000)
    await world.work(world.processor({ hourlyMs: 1_000 }))
    expect((await world.domain.files.get(greedy, id)).status).to.equal('processing')
    await world.processor().handle({ fileId: id }, context())
    expect((await world.domain.files.get(greedy, id)).status).to.equal('ready')
  })

  it('can be done again', async () => {
    const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
    await world.work()
    expect((await world.domain.files.reprocess(userId, id)).status).to.equal('processing')
    expect((await world.domain.files.reprocess(userId, id)).status).to.equal('processing')
    expect(world.queue.jobs).to.have.length(1)
    await world.work()
    expect((await get(id)).status).to.equal('ready')
    const [{ count }] = await sql('SELECT count(*)::int AS count FROM file_chunks WHERE file_id = $1', id)
    expect(count).to.equal(1)
  })

  it('notices that stored bytes are not what was uploaded, or gone', async () => {
    const changed = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
    await world.store.put(objectKeys(changed.id).original, Readable.from([Buffer.from('hullo')]))
    const gone = await world.upload(userId, 'b.txt', 'text/plain', 'hello')
    await world.store.delete(objectKeys(gone.id).original)
    await world.work()
    expect((await get(changed.id)).error?.code).to.equal('file.content_changed')
    expect((await get(gone.id)).error?.code).to.equal('file.content_missing')
  })

  it('is done by one worker at a time; the other waits', async () => {
    const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
    await world.domain.work.claim(id, '019e5a1c-0000-7000-8000-000000000000', { leaseMs: 5_000, hourlyMs: 3_600_000 })
    const error = await world
      .processor()
      .handle({ fileId: id }, context())
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    expect(error).to.be.instanceOf(Postpone)
  })

  it('does not bring a file back that its owner deletes meanwhile', async () => {
    const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
    const working = world.work()
    await world.domain.files.delete(userId, id)
    await working
    expect(await world.objects()).to.deep.equal([])
    expect(await world.domain.files.statusOf([id])).to.deep.equal(new Map([[id, 'missing']]))
  })

  it('hands a file back when the worker drains, without spending a try', async () => {
    const { id } = await world.upload(userId, 'a.pdf', PDF, manyPages(2_000))
    const drain = new AbortController()
    const limits = { timeoutMs: 20_000, memoryMb: 256, maxPages: 5_000, maxTextChars: 500_000 }
    const working = world.processor({ limits }).handle({ fileId: id }, { signal: drain.signal })
    setTimeout(() => drain.abort('drain'), 250)
    await working
    const [row] = await world.domain.rows.byIds([id])
    expect(row).to.include({ status: 'processing', attempt: 0, dispatch: 1, claimToken: null })
    expect(world.queue.jobs.at(-1)?.jobId).to.equal(`${id}-1`)
  })

  describe('while something is away', () => {
    it('tries again later when the store is', async () => {
      const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
      const away = { ...world.store, get: () => Promise.reject(new Error('connection refused')) }
      await world.work(world.processor({ store: { ...away } as typeof world.store }))
      const [job, ...others] = world.queue.jobs
      expect(job).to.deep.include({ fileId: id, jobId: `${id}-1` })
      expect(job?.delayMs).to.be.within(1_000, 1_250)
      expect(others).to.deep.equal([])
      await sql('UPDATE files SET due_at = now() WHERE id = $1', id)
      await world.work()
      expect((await get(id)).status).to.equal('ready')
    })

    it('is put back by the reconciler when the queue was', async () => {
      world.queue.down = true
      const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
      world.queue.down = false
      await reconcile()
      expect(world.queue.jobs).to.deep.equal([])
      await reconcile(0)
      expect(world.queue.jobs.map((job) => job.jobId)).to.deep.equal([`${id}-0`])
      await world.work()
      expect((await get(id)).status).to.equal('ready')
    })
  })

  it('survives a worker that is killed in the middle: another takes over, with what the first one left gone', async function () {
    this.timeout(30_000)
    const { id } = await world.upload(userId, 'a.pdf', PDF, manyPages(6_000))
    world.queue.jobs.length = 0
    const worker = startProcess('test/integration/files-worker.child.ts', {
      args: [db.url, world.root, id],
    })
    await worker.waitForLine(/claimed/)
    await worker.kill('SIGKILL')
    await sql(`UPDATE files SET lease_until = now() - interval '1 ms' WHERE id = $1`, id)
    await reconcile()
    expect(world.queue.jobs.map((job) => job.jobId)).to.deep.equal([`${id}-1`])
    const limits = { timeoutMs: 20_000, memoryMb: 256, maxPages: 10_000, maxTextChars: 500_000 }
    await world.work(world.processor({ limits }))
    const [row] = await world.domain.rows.byIds([id])
    expect(row).to.include({ status: 'ready', attempt: 2, pages: 6_000 })
  })

  describe('whose workers are killed', () => {
    /** A worker takes it, and is gone. */
    const lose = async (id: string) => {
      const claimed = await world.domain.work.claim(id, newId(), { leaseMs: 60_000, hourlyMs: 60_000 })
      expect(claimed?.id).to.equal(id)
      await sql(`UPDATE files SET lease_until = now() - interval '1 ms' WHERE id = $1`, id)
      await reconcile()
    }

    it('reads them all the same: a kill is no fault of the file', async () => {
      const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
      for (let n = 0; n < 5; n++) await lose(id)
      await world.work()
      const [row] = await world.domain.rows.byIds([id])
      expect(row).to.include({ status: 'ready', attempt: 6, failures: 0 })
    })

    it('counts what fails between the kills', async () => {
      const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
      const away = { ...world.store, get: () => Promise.reject(new Error('connection refused')) }
      const failing = world.processor({ store: { ...away } as typeof world.store })
      for (let n = 0; n < 3; n++) {
        await sql('UPDATE files SET due_at = now() WHERE id = $1', id)
        await lose(id)
        await failing.handle({ fileId: id }, context())
      }
      const [row] = await world.domain.rows.byIds([id])
      expect(row).to.include({ status: 'failed', attempt: 6, failures: 2 })
    })

    it('gives one up that was there each time, ten times', async () => {
      const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
      for (let n = 0; n < 9; n++) await lose(id)
      expect((await get(id)).status).to.equal('processing')
      await lose(id)
      expect((await get(id)).error?.code).to.equal('file.processing_failed')
    })
  })

  it('removes what killed workers left in the temporary folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chatsparty-file-'))
    await utimes(folder, 1, 1)
    await world.upload(userId, 'a.txt', 'text/plain', 'hello')
    await world.work()
    expect(existsSync(folder)).to.equal(false)
  })

  it('gives up what was tried too often or is past its deadline, and says so', async () => {
    const often = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
    const late = await world.upload(userId, 'b.txt', 'text/plain', 'hello')
    await sql('UPDATE files SET attempt = 3, failures = 3 WHERE id = $1', often.id)
    await sql('UPDATE files SET deadline_at = now() WHERE id = $1', late.id)
    await reconcile()
    expect((await get(often.id)).error?.code).to.equal('file.processing_failed')
    expect((await get(late.id)).error?.code).to.equal('file.deadline_exceeded')
    expect(world.told.map((view) => view.status)).to.deep.equal(['failed', 'failed'])
    await world.work()
    expect((await get(late.id)).status).to.equal('failed')
  })

  describe('with a virus scanner', () => {
    /** Speaks clamd's INSTREAM protocol; finds what contains EICAR. */
    async function clamd() {
      const server = createServer((socket: Socket) => {
        let all = ''
        socket.on('error', () => undefined).setEncoding('latin1')
        socket.on('data', (chunk) => {
          all += chunk
          if (!all.startsWith('zINSTREAM\0') || !all.endsWith('\0\0\0\0')) return
          socket.end(all.includes('EICAR') ? 'stream: Eicar-Test FOUND\0' : 'stream: OK\0')
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : 0
      return { server, scanner: new ClamScanner(`tcp://127.0.0.1:${port}`, 2_000) }
    }

    it('refuses infected files, and gives them out no more', async () => {
      const { server, scanner } = await clamd()
      const bad = await world.upload(userId, 'a.txt', 'text/plain', 'EICAR')
      const good = await world.upload(userId, 'b.txt', 'text/plain', 'x'.repeat(200_000))
      await world.work(world.processor({ scanner }))
      server.close()
      expect((await get(bad.id)).error).to.deep.equal({
        code: 'file.infected',
        message: 'The file has malware in it: Eicar-Test.',
      })
      expect((await get(good.id)).status).to.equal('ready')
      const error = await world.domain.files.download(userId, bad.id).catch((thrown: unknown) => thrown)
      expect(error).to.have.property('code', 'file.unsafe')
    })

    it('makes no file ready that could not be scanned', async () => {
      const { server, scanner } = await clamd()
      server.close()
      const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'hello')
      await world.work(world.processor({ scanner }))
      expect((await get(id)).status).to.equal('processing')
      expect(world.queue.jobs).to.have.length(1)
    })
  })

  it('leaves the original as it was uploaded', async () => {
    const content = pdf(['untouched'])
    const { id } = await world.upload(userId, 'a.pdf', PDF, content)
    await world.work()
    const download = await world.domain.files.download(userId, id)
    if (download.kind !== 'stream') throw new Error('a local store streams')
    expect((await buffer(await download.open())).equals(content)).to.equal(true)
  })
})
