import { expect } from 'chai'
import { wordsOf } from '../../src/conversations/message-words.ts'
import { foldWord, searchTerms } from '../../src/storage/search-terms.ts'
import { ADA } from '../architecture/route-table.ts'
import { useApp } from '../support/app.ts'

/** Signs that stand for four letters each, of two bytes: in pieces of two, with what makes one number or name of them between. */
const LIGATURES = Array.from('\ufdf2\ufdf3\ufdf4\ufdf5\ufdf6\ufdf7\ufdf8')
const LONGEST = 32_000

/** As many different terms as fit into a message, as long as they get. */
function worst(signs: readonly string[], each: number): string {
  let text = ''
  for (let state = 1; text.length < LONGEST; ) {
    for (let n = 0; n < each; n++) {
      state = (state * 48_271) % 2_147_483_647
      text += signs[state % signs.length]
    }
    text += '.'
  }
  return text.slice(0, LONGEST)
}

describe('The words of messages', () => {
  const app = useApp({ worker: false })

  it('fit into what the database keeps of one, whatever the message is made of', async () => {
    const user = await app.api.register()
    const alphabets = [LIGATURES, Array.from('abcdefghijklmnopqrstuvwxyz'), Array.from('\ufb01\ufb02\ufb03\ufb04')]
    for (const signs of [...alphabets, Array.from('कखगघङचछजझञ'), Array.from('漢字仮名交文章語学')]) {
      for (const each of [1, 2, 4]) {
        const [row] = await app.container.db.query('SELECT length($1::tsvector) AS terms', [
          await wordsOf(user.id, worst(signs, each)),
        ])
        expect(row.terms).to.be.greaterThan(0)
      }
    }
  })

  it('are read stretch by stretch, however long that takes: others get their turn, and hardly a word is cut', async () => {
    let turns = 0
    const count = () => {
      turns++
      next = setImmediate(count)
    }
    let next = setImmediate(count)
    const user = '01990000-0000-7000-8000-000000000001'
    await wordsOf(user, worst(LIGATURES, 1))
    clearImmediate(next)
    expect(turns).to.be.at.least(5)
    const text = Array.from({ length: 4_000 }, (_, n) => `Wort${n}, añadido-${n}`)
      .join(' ')
      .slice(0, LONGEST)
    const whole = new Set(searchTerms(text).map(foldWord))
    const said = (await wordsOf(user, text)).split(' ').map((word) => word.slice(1, -1).split(':')[1])
    expect(new Set(said)).to.deep.equal(whole)
    const signs = Array.from({ length: 9_000 }, (_, n) => String.fromCodePoint(0x20000 + n)).join('')
    const pairs = new Set(searchTerms(signs))
    const read = new Set((await wordsOf(user, signs)).split(' ').map((word) => word.slice(1, -1).split(':')[1] ?? ''))
    expect([...pairs].filter((pair) => !read.has(pair)).length).to.be.at.most(Math.ceil(signs.length / 2_048))
  })

  it('are noted of a bounded length of text at a time, a message at least', async () => {
    const { container, api } = app
    const user = await api.register()
    const { conversationId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await container.db.query(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status)
       SELECT gen_random_uuid(), $1, 1 + n, 'user', repeat('word ', 6000), 'complete' FROM generate_series(1, 40) AS n`,
      [conversationId],
    )
    await container.db.query('UPDATE conversations SET last_seq = 41 WHERE id = $1', [conversationId])
    const first = await container.messageSearch.noteWords(user.id, 1_000)
    expect(first).to.be.within(15, 20)
    let rest = 0
    for (let noted = 1; noted > 0; rest += noted) noted = await container.messageSearch.noteWords(user.id, 1_000)
    expect(first + rest).to.equal(41)
  })

  it('of one message keep those of no other from being noted', async () => {
    const { container, api } = app
    const [hostile, honest] = [await api.register(), await api.register()]
    await hostile.accept('/api/chat', { agentId: ADA, message: worst(LIGATURES, 1) })
    const { conversationId } = await honest.accept('/api/chat', { agentId: ADA, message: 'A needle' })
    await container.db.query(`UPDATE conversations SET active_at = now() - interval '1 hour'`)
    expect(await container.messageSearch.noteWords(null, 1_000)).to.equal(2)
    const [row] = await container.db.query('SELECT noted_seq FROM conversations WHERE id = $1', [conversationId])
    expect(row.noted_seq).to.equal(1)
    expect((await hostile.get('/api/chat/conversations?q=needle')).status).to.equal(200)
  })
})
