import { expect } from 'chai'
import { AcceptRepository } from '../../src/chat/accept.repository.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { pdf } from '../support/file-corpus.ts'
import { createFilesWorld, type FilesWorld } from './files-world.ts'

const FILLER = 'The committee met again and postponed the matter until the following week for lack of time. '.repeat(12)

describe('What agents read of files', () => {
  const db = useDatabase()
  let world: FilesWorld
  let userId: string
  before(async () => {
    world = await createFilesWorld(db.dataSource)
    userId = await world.user()
  })
  after(() => world.close())

  const file = async (name: string, contentType: string, content: Buffer | string) => {
    const { id } = await world.upload(userId, name, contentType, content)
    await world.work()
    return id
  }
  const report = () =>
    file(
      'report.pdf',
      'application/pdf',
      pdf(
        Array.from({ length: 40 }, (_none, page) => {
          if (page === 22) return `The bridge at Arnhem was inspected by Marta Quist in 1987. ${FILLER}`
          return `Page ${page + 1}. ${FILLER}`
        }),
      ),
    )
  const contextFor = (...args: Parameters<FilesWorld['domain']['files']['contextFor']>) =>
    world.domain.files.contextFor(...args)

  it('is a small text as a whole, with its name', async () => {
    const id = await file('note.md', 'text/markdown', '# Plan\nBuy apples.\n## Later\nSell them.')
    expect(await contextFor([id], 'anything', 1_000)).to.deep.equal([
      { fileId: id, name: 'note.md', page: null, heading: 'Plan', text: '# Plan\nBuy apples.' },
      { fileId: id, name: 'note.md', page: null, heading: 'Plan > Later', text: '## Later\nSell them.' },
    ])
  })

  it('is of a large text what matches, with its page, within the budget', async () => {
    const id = await report()
    const passages = await contextFor([id], 'Who inspected the bridges at Arnhem?', 1_000)
    expect(passages.some(({ page, text }) => page === 23 && text.includes('Marta Quist'))).to.equal(true)
    const characters = passages.reduce((sum, { text }) => sum + text.length, 0)
    expect(characters).to.be.below(4_000)
    expect(passages.map(({ page }) => page)).to.deep.equal(
      passages.map(({ page }) => page).sort((a, b) => (a ?? 0) - (b ?? 0)),
    )
  })

  it('ranks a rare word above common ones', async () => {
    const id = await report()
    const [first] = await world.domain.chunks.search([id], 'the committee met: postponed week time Quist', 5)
    const [chunk] = await world.domain.chunks.texts(first ? [first] : [])
    expect(chunk?.page).to.equal(23)
  })

  it('is its beginning when nothing matches', async () => {
    const id = await report()
    const passages = await contextFor([id], 'zzzzzz', 800)
    expect(passages[0]).to.include({ page: 1 })
  })

  it('gives small files whole beside the best of large ones', async () => {
    const [large, small] = [await report(), await file('a.txt', 'text/plain', 'Small but whole.')]
    const passages = await contextFor([large, small], 'Arnhem bridge', 1_000)
    expect(passages.at(-1)).to.include({ fileId: small, text: 'Small but whole.' })
    expect(passages.some((passage) => passage.page === 23)).to.equal(true)
  })

  it('finds words of languages that write without spaces', async () => {
    const pages = Array.from({ length: 60 }, (_none, index) =>
      index === 31
        ? '## 三十二\n東京タワーの高さは三百三十三メートルです。'
        : `## ${index}\n${'会議は来週に延期されました。'.repeat(12)}`,
    )
    const id = await file('tower.md', 'text/markdown', pages.join('\n'))
    const passages = await contextFor([id], '東京タワーの高さは？', 600)
    expect(passages.some(({ text }) => text.includes('三百三十三'))).to.equal(true)
  })

  it('treats a hostile query as words', async () => {
    const id = await report()
    for (const query of [`'); DROP TABLE files; --`, `a'b\\c & | ! <-> :*`, '', ' ', 'x'.repeat(50_000), '\u{1f389}']) {
      expect(await contextFor([id], query, 500)).to.be.an('array')
    }
  })

  it('stores text with NULs and lone surrogates as text', async () => {
    const id = await file('odd.json', 'application/json', '{"a": "x\\u0000y \\ud800 z"}')
    expect((await contextFor([id], 'x', 500))[0]?.text).to.contain('x\\u0000y')
    const html = await file('odd.html', 'text/html', '<p>one&#0;two &#xD800; three</p>')
    expect((await contextFor([html], 'x', 500))[0]?.text).to.match(/^one.*three$/)
  })

  it('leaves out what is not ready, and says so by status', async () => {
    const { id } = await world.upload(userId, 'a.txt', 'text/plain', 'not yet')
    expect(await contextFor([id], 'not', 500)).to.deep.equal([])
    const unknown = newId()
    expect(await world.domain.files.statusOf([id, unknown])).to.deep.equal(
      new Map([
        [id, 'processing'],
        [unknown, 'missing'],
      ]),
    )
    await world.work()
  })

  it("lets nobody attach another's file, or one that is gone", async () => {
    const [mine, theirs] = [await world.upload(userId, 'a.txt', 'text/plain', 'x'), await world.user()]
    const accepts = new AcceptRepository(db.dataSource)
    const attach = async (user: string, fileIds: string[]) => {
      const known = await accepts.look({
        userId: user,
        agentIds: [],
        conversationId: undefined,
        fileIds,
        key: undefined,
      })
      try {
        world.domain.files.requireAll(fileIds, known.fileIds)
        return 'ok'
      } catch (error) {
        return error instanceof Error && 'code' in error ? error.code : error
      }
    }
    expect(await attach(userId, [mine.id, mine.id])).to.equal('ok')
    expect(await attach(userId, [])).to.equal('ok')
    expect(await attach(theirs, [mine.id])).to.equal('file.not_found')
    expect(await attach(userId, [mine.id, newId()])).to.equal('file.not_found')
    await world.domain.files.delete(userId, mine.id)
    expect(await attach(userId, [mine.id])).to.equal('file.not_found')
  })
})
