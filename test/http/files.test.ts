import { once } from 'node:events'
import { request as httpRequest, type Server } from 'node:http'
import { expect } from 'chai'
import sharp from 'sharp'
import supertest from 'supertest'
import { createApp } from '../../src/http/app.ts'
import { Health } from '../../src/http/health.ts'
import { createRateLimiter } from '../../src/http/rate-limit.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { storageRoutes } from '../../src/storage/storage.routes.ts'
import type { Store } from '../../src/storage/store/store.ts'
import { createFilesWorld, type FilesWorld, LIMITS } from '../integration/files-world.ts'
import { useDatabase } from '../support/database.ts'
import { pdf } from '../support/file-corpus.ts'

describe('The files API', () => {
  const db = useDatabase({ poolSize: 20 })
  let world: FilesWorld
  let server: Server
  let ada: string
  let bob: string
  /** What the store does to uploads: nothing, or break in the middle. */
  let breakPut: (() => void) | undefined

  before(async () => {
    const faulty = (local: Store): Store => ({
      put: async (key, body, options) => {
        if (!breakPut) return local.put(key, body, options)
        for await (const _chunk of body) breakPut()
      },
      get: (...args) => local.get(...args),
      head: (...args) => local.head(...args),
      copy: (...args) => local.copy(...args),
      delete: (...args) => local.delete(...args),
      list: (...args) => local.list(...args),
      sweepParts: (...args) => local.sweepParts(...args),
      removeParts: (...args) => local.removeParts(...args),
      ping: () => local.ping(),
    })
    world = await createFilesWorld(db.dataSource, { store: faulty })
    ;[ada, bob] = [await world.user(), await world.user()]
    const app = createApp({
      routes: storageRoutes(world.domain),
      // Who is signed in is not what is tested here.
      authenticate: async (request) => ({ id: request.get('x-user') ?? ada, role: 'user', sessionId: ada }),
      limiter: createRateLimiter({ requestsPerMinute: 1e6, loginAttempts: 10 }),
      health: new Health([], silentLogger),
      corsOrigins: [],
      trustProxy: 0,
      jsonBodyMaxBytes: 100_000,
      logger: silentLogger,
    })
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await world.close()
  })
  beforeEach(async () => {
    breakPut = undefined
    await db.dataSource.query('DELETE FROM files')
    world.queue.jobs.length = 0
    for (const key of await world.objects()) await world.store.delete(key)
  })

  const port = (): number => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const api = () => supertest(server)
  const upload = async (name: string, contentType: string, content: Buffer | string, user = ada) => {
    const file = Buffer.from(content)
    const answer = await api()
      .post('/api/storage/upload')
      .set('x-user', user)
      .attach('file', file, { filename: name, contentType })
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
    return answer.body
  }
  const nothingLeft = async () => {
    expect(await db.dataSource.query('SELECT id FROM files')).to.deep.equal([])
    expect(await world.objects()).to.deep.equal([])
  }
  /** Resolves when the server has no upload in progress any more. */
  const settled = async () => {
    for (;;) {
      const left = await db.dataSource.query(`SELECT id FROM files WHERE status IN ('uploading', 'deleting')`)
      if (left.length === 0) return
      await new Promise(setImmediate)
    }
  }
  const BOUNDARY = 'xXx'
  const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n`
  /** A multipart upload by hand; the body is what the caller writes into the returned stream. */
  const rawUpload = (headers: Record<string, string> = {}) => {
    const request = httpRequest({
      port: port(),
      method: 'POST',
      path: '/api/storage/upload',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers },
    })
    request.on('error', () => undefined)
    request.write(head)
    return request
  }

  it('answers an upload with 201 and the file, ready when it was processed', async () => {
    const view = await upload('tides.pdf', 'application/pdf', pdf(['High tide']))
    expect(view).to.have.all.keys(
      'id name contentType size sha256 status error pages textLength createdAt updatedAt'.split(' '),
    )
    expect(view).to.include({ name: 'tides.pdf', status: 'processing' })
    await world.work()
    const { body } = await api().get(`/api/storage/files/${view.id}`)
    expect(body).to.include({ status: 'ready', pages: 1, textLength: 9 })
  })

  it('takes several files, all or none', async () => {
    const both = await api()
      .post('/api/storage/upload')
      .attach('files', Buffer.from('1'), '1.txt')
      .attach('files', Buffer.from('2'), '2.txt')
    expect(both.status).to.equal(201)
    expect(both.body.data.map((view: { name: string }) => view.name)).to.deep.equal(['1.txt', '2.txt'])
    await db.dataSource.query('DELETE FROM files')
    for (const key of await world.objects()) await world.store.delete(key)
    const large = Buffer.alloc(LIMITS.uploadMaxBytes + 1)
    const none = await api()
      .post('/api/storage/upload')
      .attach('files', Buffer.from('1'), '1.txt')
      .attach('files', large, '2.txt')
    expect([none.status, none.body.error.code]).to.deep.equal([413, 'file.too_large'])
    await nothingLeft()
  })

  it('says what is wrong with an upload, and keeps nothing of it', async () => {
    const post = () => api().post('/api/storage/upload')
    const answers = await Promise.all([
      post().field('note', 'no file'),
      post().send({ file: 'x' }),
      post().attach('document', Buffer.from('x'), 'a.txt'),
      post().attach('file', Buffer.from('x'), 'a.txt').attach('file', Buffer.from('y'), 'b.txt'),
      post().attach('file', Buffer.from('x'), 'a.txt').attach('files', Buffer.from('y'), 'b.txt'),
      post().set('content-type', 'multipart/form-data').send('x'),
    ])
    expect(answers.map(({ status, body }) => [status, body.error.code])).to.deep.equal([
      [400, 'request.invalid'],
      [400, 'request.invalid'],
      [400, 'upload.invalid'],
      [400, 'upload.invalid'],
      [400, 'request.invalid'],
      [400, 'upload.invalid'],
    ])
    await settled()
    await nothingLeft()
  })

  it('refuses what is too large while it is still being sent', async () => {
    const request = rawUpload({ 'transfer-encoding': 'chunked' })
    const answered = once(request, 'response')
    const pour = setInterval(() => request.write(Buffer.alloc(1_000_000)), 1)
    const [response] = await answered
    clearInterval(pour)
    expect(response.statusCode).to.equal(413)
    request.destroy()
    await nothingLeft()
  })

  it('refuses at once what Content-Length says is over the quota', async () => {
    const request = rawUpload({ 'content-length': String(LIMITS.userBytes * 2) })
    request.write('some bytes')
    const [response] = await once(request, 'response')
    expect(response.statusCode).to.equal(413)
    request.destroy()
    await nothingLeft()
  })

  it('keeps nothing of a client that leaves in the middle', async () => {
    const request = rawUpload({ 'content-length': '1000000' })
    request.write(Buffer.alloc(200_000))
    while ((await db.dataSource.query('SELECT id FROM files')).length === 0) await new Promise(setImmediate)
    request.destroy()
    await settled()
    await nothingLeft()
  })

  it('keeps nothing of an upload during which the store breaks', async () => {
    breakPut = () => {
      throw new Error('disk full')
    }
    const answer = await api().post('/api/storage/upload').attach('file', Buffer.alloc(1_000_000), 'a.txt')
    expect([answer.status, answer.body.error.code]).to.deep.equal([503, 'storage.unavailable'])
    await nothingLeft()
  })

  it('takes a hundred uploads at once', async () => {
    const views = await Promise.all(
      Array.from({ length: 100 }, (_none, index) => upload(`${index}.txt`, 'text/plain', `${index}`.repeat(5_000))),
    )
    expect(new Set(views.map((view) => view.sha256)).size).to.equal(100)
    expect(await world.objects()).to.have.length(100)
  })

  describe('names', () => {
    const named = async (name: string) => (await upload(name, 'text/plain', 'x')).name

    it('lose paths and control characters, and keep their letters', async () => {
      expect(await named('../../etc/passwd')).to.equal('passwd')
      expect(await named('\u202etxt.exe')).to.equal('txt.exe')
      expect(await named('דוח "סופי".txt')).to.equal('דוח "סופי".txt')
      for (const control of ['\u0000', '\u0001']) {
        const answer = await api().post('/api/storage/upload').attach('file', Buffer.from('x'), `a${control}.txt`)
        expect(answer.body.error.code).to.equal('upload.invalid')
      }
      expect(Buffer.byteLength(await named(`${'n'.repeat(10_000)}.txt`))).to.equal(255)
    })

    it('come back in downloads exactly, in a form that old clients read too', async () => {
      const { id } = await upload('דוח "1".txt', 'text/plain', 'x')
      const { headers } = await api().get(`/api/storage/files/${id}/download`)
      expect(headers['content-disposition']).to.equal(
        `attachment; filename="___ _1_.txt"; filename*=UTF-8''%D7%93%D7%95%D7%97%20%221%22.txt`,
      )
    })
  })

  describe('downloads', () => {
    const get = (id: string, query = '') => api().get(`/api/storage/files/${id}/download${query}`)

    it('whole, in part, and only when changed', async () => {
      const { id, sha256 } = await upload('a.txt', 'text/plain', '0123456789')
      const whole = await get(id)
      expect(whole.headers).to.include({ 'content-length': '10', 'accept-ranges': 'bytes', etag: `"${sha256}"` })
      expect(whole.headers['x-content-type-options']).to.equal('nosniff')
      const part = await get(id)
        .set('range', 'bytes=2-4')
        .buffer(true)
        .parse((response, done) => {
          let text = ''
          response.on('data', (chunk) => {
            text += chunk
          })
          response.on('end', () => done(null, text))
        })
      expect([part.status, part.body, part.headers['content-range']]).to.deep.equal([206, '234', 'bytes 2-4/10'])
      expect((await get(id).set('range', 'bytes=10-')).status).to.equal(416)
      expect((await get(id).set('range', 'bytes=2-4').set('if-range', '"other"')).status).to.equal(200)
      expect((await get(id).set('if-none-match', `W/"x", "${sha256}"`)).status).to.equal(304)
      const headers = await api().head(`/api/storage/files/${id}/download`)
      expect([headers.status, headers.headers['content-length']]).to.deep.equal([200, '10'])
    })

    it('in ranges as HTTP has them; outside of the file is refused, and what is not understood is ignored', async () => {
      const { id } = await upload('a.txt', 'text/plain', '0123456789')
      const rangeOf = async (file: string, header: string) => {
        const { status, headers } = await get(file).set('range', header)
        return status === 206 ? headers['content-range'] : status
      }
      expect(await rangeOf(id, 'bytes=0-4')).to.equal('bytes 0-4/10')
      expect(await rangeOf(id, 'bytes=5-')).to.equal('bytes 5-9/10')
      expect(await rangeOf(id, 'bytes=-3')).to.equal('bytes 7-9/10')
      expect(await rangeOf(id, 'bytes=5-100')).to.equal('bytes 5-9/10')
      expect(await rangeOf(id, 'bytes=-100'), 'more than there is: all of it').to.equal(200)
      for (const header of ['bytes=10-', 'bytes=-0', 'bytes=4-2'])
        expect(await rangeOf(id, header), header).to.equal(416)
      for (const header of ['bytes=-', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=a-b', `bytes=${'1-2,'.repeat(1_000)}`]) {
        expect(await rangeOf(id, header), header.slice(0, 20)).to.equal(200)
      }
    })

    it('only when changed, by tag and by date', async () => {
      const { id, sha256 } = await upload('a.txt', 'text/plain', '0123456789')
      const { headers } = await get(id)
      const given = async (name: string, value: string) => (await get(id).set(name, value)).status
      expect(await given('if-none-match', '*')).to.equal(304)
      expect(await given('if-none-match', `W/"${sha256}"`)).to.equal(304)
      expect(await given('if-none-match', '"other"')).to.equal(200)
      expect(await given('if-modified-since', String(headers['last-modified']))).to.equal(304)
      expect(await given('if-modified-since', 'Thu, 01 Jan 1970 00:00:00 GMT')).to.equal(200)
    })

    it('never let a browser run anything', async () => {
      const { id } = await upload('evil.html', 'text/html', '<script>alert(1)</script>')
      const svg = await upload('evil.svg', 'image/svg+xml', '<svg><script>alert(1)</script></svg>')
      expect((await get(id)).headers['content-type']).to.equal('application/octet-stream')
      await world.work()
      for (const [file, type] of [
        [id, 'text/html'],
        [svg.id, 'image/svg+xml'],
      ]) {
        const { headers } = await get(file ?? '', '?disposition=inline')
        expect(headers['content-disposition']).to.match(/^attachment; /)
        expect(headers).to.include({ 'content-type': type, 'x-content-type-options': 'nosniff' })
        expect(headers['content-security-policy']).to.contain('sandbox')
      }
    })

    it('of images may be shown in place, also their thumbnail and their stripped copy', async () => {
      const png = await sharp({ create: { width: 900, height: 10, channels: 3, background: 'red' } })
        .png()
        .toBuffer()
      const { id } = await upload('a.png', 'image/png', png)
      expect((await get(id, '?variant=thumbnail')).body.error.code).to.equal('file.no_variant')
      await world.work()
      const shown = await get(id, '?disposition=inline')
      expect(shown.headers['content-disposition']).to.match(/^inline; /)
      const thumbnail = await get(id, '?variant=thumbnail&disposition=inline')
      expect(thumbnail.headers['content-type']).to.equal('image/webp')
      expect((await sharp(thumbnail.body).metadata()).width).to.equal(320)
      expect((await get(id, '?variant=stripped')).status).to.equal(200)
      expect((await get(id, '?variant=other')).status).to.equal(400)
    })
  })

  it('lists in pages and with filters', async () => {
    for (const name of ['a.txt', 'b.txt', 'c.pdf']) await upload(name, 'text/plain', name)
    const first = await api().get('/api/storage/files?limit=2')
    expect(first.body.data.map((view: { name: string }) => view.name)).to.deep.equal(['c.pdf', 'b.txt'])
    const second = await api().get(`/api/storage/files?limit=2&cursor=${first.body.nextCursor}`)
    expect([second.body.data.length, second.body.nextCursor]).to.deep.equal([1, null])
    expect((await api().get('/api/storage/files?name=.TXT&status=processing')).body.data).to.have.length(2)
    expect((await api().get('/api/storage/files?sort=name')).status).to.equal(400)
  })

  it('deletes one or many, item by item', async () => {
    const [one, two] = [await upload('1', 'text/plain', '1'), await upload('2', 'text/plain', '2')]
    expect((await api().delete(`/api/storage/files/${one.id}`)).status).to.equal(204)
    expect((await api().delete(`/api/storage/files/${one.id}`)).status).to.equal(404)
    const many = await api()
      .post('/api/storage/files/batch-delete')
      .send({ ids: [one.id, two.id] })
    expect(many.body).to.deep.equal({ deleted: [two.id], failed: [{ id: one.id, code: 'file.not_found' }] })
    expect(
      (
        await api()
          .post('/api/storage/files/batch-delete')
          .send({ ids: ['x'] })
      ).status,
    ).to.equal(400)
    await nothingLeft()
  })

  it('tells what is used', async () => {
    await upload('1', 'text/plain', '12345')
    expect((await api().get('/api/storage/usage')).body).to.deep.equal({
      bytes: 5,
      files: 1,
      limits: {
        bytes: LIMITS.userBytes,
        files: LIMITS.userFiles,
        fileBytes: LIMITS.uploadMaxBytes,
        uploadsPerMinute: LIMITS.uploadsPerMinute,
      },
    })
  })

  it('takes uploads in two steps', async () => {
    const begun = await api().post('/api/storage/uploads').send({ name: 'a.txt', contentType: 'text/plain', size: 5 })
    expect(begun.status).to.equal(201)
    expect((await api().put(begun.body.url).set(begun.body.headers).send('hello')).status).to.equal(204)
    const done = await api().post(`/api/storage/uploads/${begun.body.id}/complete`)
    expect([done.status, done.body.id, done.body.status]).to.deep.equal([201, begun.body.id, 'processing'])
    expect((await api().post('/api/storage/uploads').send({ name: 'a', size: 0 })).status).to.equal(400)
  })

  it("knows nothing of another user's file, whatever the verb", async () => {
    const { id } = await upload('a.txt', 'text/plain', 'x')
    const begun = await api().post('/api/storage/uploads').send({ name: 'b.txt', contentType: 'text/plain', size: 5 })
    const as = (request: supertest.Test) => request.set('x-user', bob)
    const path = `/api/storage/files/${id}`
    const answers = await Promise.all([
      as(api().get(path)),
      as(api().get(`${path}/download`)),
      as(api().get(`${path}/download?variant=thumbnail`)),
      as(api().delete(path)),
      as(api().post(`${path}/process`)),
      as(api().put(begun.body.url).send('hello')),
      as(api().post(`/api/storage/uploads/${begun.body.id}/complete`)),
      as(api().get('/api/storage/files/not-an-id')),
    ])
    expect(answers.map((answer) => answer.status)).to.deep.equal(Array(8).fill(404))
    const batch = await as(api().post('/api/storage/files/batch-delete')).send({ ids: [id] })
    expect(batch.body).to.deep.equal({ deleted: [], failed: [{ id, code: 'file.not_found' }] })
    expect((await as(api().get('/api/storage/files'))).body.data).to.deep.equal([])
    expect((await api().get(path)).status).to.equal(200)
  })

  it('sends a client to the store where it can presign, as long as the file is its own', async () => {
    const { id } = await upload('a.txt', 'text/plain', 'x')
    const asked: unknown[] = []
    world.store.presignGet = async (key, options) => {
      asked.push({ key, ...options })
      return 'https://store.example/signed'
    }
    try {
      const answer = await api().get(`/api/storage/files/${id}/download`).redirects(0)
      expect([answer.status, answer.headers.location]).to.deep.equal([302, 'https://store.example/signed'])
      expect(answer.headers['cache-control']).to.contain('no-store')
      expect((await api().get(`/api/storage/files/${id}/download`).set('x-user', bob).redirects(0)).status).to.equal(
        404,
      )
      expect(asked).to.have.length(1)
    } finally {
      delete world.store.presignGet
    }
  })
})
