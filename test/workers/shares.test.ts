import { expect } from 'chai'
import { shareView } from '../../src/contract/share-views.ts'
import type { TestUser } from '../support/api-client.ts'
import { useCluster } from '../support/cluster.ts'
import { SharedReader } from '../support/shared-reader.ts'

const WORDS = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich, immer wieder. '

describe('Links to conversations, on two web nodes', function () {
  this.timeout(60_000)
  const at = useCluster({ webs: 2, workers: 1, env: { LOG_LEVEL: 'debug' } })
  let owner: TestUser
  let agentIds: string[]
  const readers: SharedReader[] = []

  beforeEach(async () => {
    at.llm.reset()
    owner = await at.cluster.api().register()
    agentIds = await Promise.all(
      ['Ada', 'Blaise'].map((name) => owner.create('/api/agents', { name, instructions: 'Speak.' })),
    )
  })
  afterEach(() => {
    for (const reader of readers.splice(0)) reader.close()
  })
  const watch = async (node: number, token: string, lastEventId?: string) => {
    const reader = await SharedReader.open(at.cluster.web(node).url, token, lastEventId)
    readers.push(reader)
    return reader
  }
  const shared = async (conversationId: string) =>
    shareView.parse((await owner.post(`/api/chat/conversations/${conversationId}/shares`, {})).body)

  it('are watched live on both, from the same character on after each drop, and no log has them', async () => {
    const hold = at.llm.hold(2)
    at.llm.replyOnce({ text: WORDS, hold, chunkSize: 3 }).reply({ text: WORDS, chunkSize: 3 })
    const party = { agentIds, message: 'Tea or coffee?', maxTurns: 2 }
    const { conversationId } = await owner.accept('/api/chat/multi-agent', party)
    const { token } = await shared(conversationId)
    await hold.reached
    let lastEventId: string | undefined
    let text = ''
    for (let cut = 0; ; cut++) {
      const reader = await watch(cut % 2, token, lastEventId)
      const isAtEnd = ({ events }: SharedReader) => events.some(({ type }) => type === 'run.completed')
      await reader.until((seen) => seen.events.length > 2 || isAtEnd(seen) || (cut === 0 && seen.events.length > 0))
      if (cut === 0) hold.release()
      const isOver = isAtEnd(reader)
      reader.close()
      for (const event of reader.events) {
        if (event.type === 'conversation.snapshot') text = event.live.map((live) => live.text).join('')
        if (event.type === 'turn.delta') text += event.text
      }
      ;({ lastEventId } = reader)
      if (isOver) break
    }
    expect(text).to.equal(WORDS.repeat(2))
    expect((await at.cluster.api(1).get(`/api/shared/${token}`)).status).to.equal(200)
    expect((await at.cluster.api(1).get(`/s/${token}`)).status).to.be.oneOf([200, 404])
    const written = at.cluster.webs.map(({ output }) => output).join('')
    expect(written).to.include('/api/shared/...')
    expect(written).not.to.include(token.slice(0, 24))
    expect(written).not.to.include(token.slice(-24))
  })

  it('end on both when they are revoked in the middle of a turn: nothing of what is said then arrives', async () => {
    const hold = at.llm.hold(3)
    at.llm.reply({ text: WORDS, hold })
    const { conversationId, runId } = await owner.accept('/api/chat', { agentId: agentIds[0], message: 'Tea?' })
    const [link, other] = [await shared(conversationId), await shared(conversationId)]
    const [first, second, third] = await Promise.all([
      watch(0, link.token),
      watch(1, link.token),
      watch(1, other.token),
    ])
    await hold.reached
    await Promise.all([first, second, third].map((one) => one.until(({ words }) => words.includes('Zwölf'))))
    expect((await owner.delete(`/api/shares/${link.id}`)).status).to.equal(204)
    await Promise.all([first.ended, second.ended])
    hold.release()
    await owner.finished(runId)
    await third.until(({ words }) => words === WORDS)
    for (const reader of [first, second]) expect(reader.raw).not.to.include('Deich')
    for (const node of [0, 1]) {
      expect((await at.cluster.api(node).get(`/api/shared/${link.token}`)).status).to.equal(404)
      expect((await at.cluster.api(node).get(`/api/shared/${other.token}`)).status).to.equal(200)
    }
  })
})
