import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect } from 'chai'
import { ObjectMissing, type Store } from '../../src/storage/store/store.ts'

const ID = '019e5a1c-7d3e-7000-8000-0123456789ab'
const KEY = `files/ab/${ID}/original`
const body = (...chunks: Array<Buffer | string>) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)))

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error,
  )
}

/** What every store must do; `start` gives an empty one. */
export function storeContract(start: () => Promise<Store>): void {
  let store: Store
  beforeEach(async () => {
    store = await start()
  })

  const text = async (key: string, ...range: Parameters<Store['get']> extends [string, ...infer R] ? R : never) =>
    (await buffer(await store.get(key, ...range))).toString()
  const keys = async (prefix: string) => {
    const found: string[] = []
    for await (const object of store.list(prefix)) found.push(object.key)
    return found.sort()
  }

  it('is usable', () => store.ping())

  it('gives back what it was given, whole or in part', async () => {
    await store.put(KEY, body('hello ', 'world'), { contentType: 'text/plain' })
    expect(await text(KEY)).to.equal('hello world')
    expect(await text(KEY, { start: 6, end: 8 })).to.equal('wor')
    const object = await store.head(KEY)
    expect(object).to.include({ key: KEY, size: 11 })
    expect(Math.abs(Date.now() - Number(object?.modifiedAt))).to.be.below(60_000)
  })

  it('keeps an empty object', async () => {
    await store.put(KEY, body())
    expect(await store.head(KEY)).to.include({ size: 0 })
    expect(await text(KEY)).to.equal('')
  })

  it('replaces an object', async () => {
    await store.put(KEY, body('old and long'))
    await store.put(KEY, body('new'))
    expect(await text(KEY)).to.equal('new')
  })

  it('streams large objects exactly', async () => {
    const piece = randomBytes(64 * 1024)
    const count = 200
    await store.put(KEY, Readable.from(Array.from({ length: count }, () => piece)))
    const got = await buffer(await store.get(KEY))
    expect(got.length).to.equal(piece.length * count)
    expect(got.subarray(-piece.length).equals(piece)).to.equal(true)
  })

  it('says what is missing', async () => {
    expect(await store.head(KEY)).to.equal(undefined)
    expect(await failure(store.get(KEY))).to.be.instanceOf(ObjectMissing)
    expect(await failure(store.copy(KEY, `uploads/${ID}`))).to.be.instanceOf(ObjectMissing)
  })

  it('copies', async () => {
    await store.put(`uploads/${ID}`, body('direct'))
    await store.copy(`uploads/${ID}`, KEY)
    expect([await text(KEY), await text(`uploads/${ID}`)]).to.deep.equal(['direct', 'direct'])
  })

  it('deletes, and deleting again is no error', async () => {
    await store.put(KEY, body('x'))
    await store.delete(KEY)
    await store.delete(KEY)
    expect(await store.head(KEY)).to.equal(undefined)
  })

  it('lists by prefix', async () => {
    await store.put(KEY, body('1'))
    await store.put(`files/ab/${ID}/thumbnail`, body('22'))
    await store.put(`uploads/${ID}`, body('333'))
    expect(await keys('files/')).to.deep.equal([KEY, `files/ab/${ID}/thumbnail`])
    expect(await keys('uploads/')).to.deep.equal([`uploads/${ID}`])
    expect(await keys('other/')).to.deep.equal([])
  })

  /** More than one part of a multipart upload, then trouble. */
  async function* breaking(trouble: () => void): AsyncIterable<Buffer> {
    for (let sent = 0; sent < 12; sent++) yield randomBytes(1024 * 1024)
    trouble()
    yield randomBytes(1024)
  }

  it('leaves nothing of an upload whose source breaks', async () => {
    const source = Readable.from(
      breaking(() => {
        throw new Error('the client left')
      }),
    )
    await failure(store.put(KEY, source))
    expect(await store.head(KEY)).to.equal(undefined)
    expect(await store.sweepParts(new Date(Date.now() + 3_600_000))).to.equal(0)
  })

  it('leaves nothing of an upload that is aborted', async () => {
    const abort = new AbortController()
    const source = Readable.from(breaking(() => abort.abort(new Error('enough'))))
    await failure(store.put(KEY, source, { signal: abort.signal }))
    expect(await keys('')).to.deep.equal([])
    expect(await store.sweepParts(new Date(Date.now() + 3_600_000))).to.equal(0)
    expect(source.destroyed).to.equal(true)
  })

  it('keeps the old object when its replacement fails', async () => {
    await store.put(KEY, body('old'))
    await failure(store.put(KEY, body('new'), { signal: AbortSignal.abort() }))
    expect(await text(KEY)).to.equal('old')
  })
}
