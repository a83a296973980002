import { expect } from 'chai'
import { wordsOf } from '../../src/conversations/message-words.ts'
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
          wordsOf(user.id, worst(signs, each)),
        ])
        expect(row.terms).to.be.greaterThan(0)
      }
    }
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
