import { expect } from 'chai'
import { z } from 'zod'
import { ConversationSearch } from '../../src/chat/conversation-search.ts'
import { conversationView, type FoundView, foundView, readMarkView } from '../../src/contract/views.ts'
import { AppError } from '../../src/shared/errors.ts'
import { ADA } from '../architecture/route-table.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { useStatementCounter } from '../support/statement-counter.ts'
import { by, usePartyWorld } from './party-world.ts'

const page = z.object({
  data: z.array(conversationView.extend({ found: foundView.optional() })),
  nextCursor: z.string().nullable(),
})
const textOf = (found: FoundView | undefined) =>
  found?.messages.map(({ excerpt }) => excerpt.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text)).join(''))

describe('What the list of conversations asks of the database', () => {
  const counter = useStatementCounter()
  // Without a worker, whose timers ask too.
  const app = useApp({ worker: false })

  it('takes as many statements for many as for one, also searched', async () => {
    const user = await app.api.register()
    const list = async (query: string) => page.parse((await user.get(`/api/chat/conversations${query}`)).body).data
    for (let n = 0; n < 4; n++) await user.accept('/api/chat', { agentId: ADA, message: `Topic ${n}` })
    const read = (query: string) => counter.during(async () => void (await list(query)))
    await read('?limit=1')
    const [one, many] = [await read('?limit=1'), await read('?limit=100')]
    expect(many.statements.length, many.statements.join('\n')).to.equal(one.statements.length)
    // Who asks, the rows, what they do not say, the runs.
    expect(many.statements.length, many.statements.join('\n')).to.be.at.most(4)
    expect(await list('?q=Topic')).to.have.length(4)
    const [few, found] = [await read('?q=Topic&limit=1'), await read('?q=Topic&limit=20')]
    expect(found.statements.length, found.statements.join('\n')).to.equal(few.statements.length)
  })
})

describe('The list of conversations', () => {
  const world = usePartyWorld()
  const list = async (user: TestUser, query = '') =>
    page.parse((await user.get(`/api/chat/conversations${query}`)).body)
  const talk = async (user: TestUser, agentIds: string[], message: string, conversationId?: string) => {
    const body = agentIds.length > 1 ? { agentIds, maxTurns: agentIds.length } : { agentId: agentIds[0] }
    const path = agentIds.length > 1 ? '/api/chat/multi-agent' : '/api/chat'
    const accepted = await user.accept(path, { ...body, message, conversationId })
    await user.finished(accepted.runId)
    return accepted.conversationId
  }
  const mark = (user: TestUser, id: string, seq: number) => user.put(`/api/chat/conversations/${id}/read`, { seq })

  it('shows the last words that stand, in one line, who is in it with faces, and what is unread', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    await user.put(`/api/agents/${agentIds[0]}`, { avatar: '👩‍💻', color: '#4F46E5' })
    world.llm.replyOnce({ when: by('Ada'), text: 'Tea.' }).reply(`Coffee,\n\n  and ${'more '.repeat(200)}`)
    const id = await talk(user, agentIds, 'Tea or coffee?')
    const [shown] = (await list(user)).data
    expect(shown).to.deep.include({ id, pinned: false, readSeq: 0, unread: 2 })
    expect(shown?.speakers).to.deep.equal([
      { id: agentIds[0], name: 'Ada', avatar: '👩‍💻', color: '#4f46e5' },
      { id: agentIds[1], name: 'Blaise', avatar: null, color: null },
    ])
    expect(shown?.lastMessage).to.deep.include({ seq: 3, role: 'agent', agentId: agentIds[1], agentName: 'Blaise' })
    expect(shown?.lastMessage?.preview).to.match(/^Coffee, and more more /)
    expect(shown?.lastMessage?.preview).to.have.length(200)
    // A deleted agent keeps its name where it spoke.
    await user.delete(`/api/agents/${agentIds[1]}`)
    expect((await list(user)).data[0]?.speakers?.[1]?.name).to.equal('Blaise')
    // All who show a conversation show the same.
    const single = conversationView.parse((await user.get(`/api/chat/conversations/${id}`)).body)
    expect(single.lastMessage).to.deep.equal(shown?.lastMessage)
  })

  it('has what is unread go with the mark, with what the user says, and nothing else', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply('Tea.')
    const id = await talk(user, agentIds, 'Tea or coffee?')
    const unread = async () => (await list(user)).data[0]?.unread
    const [one, other] = await Promise.all([0, 1].map(() => new SocketTap(world.app.url, user.token).connected()))
    const answer = await mark(user, id, 2)
    expect(answer.status).to.equal(200)
    expect(readMarkView.parse(answer.body)).to.deep.equal({ conversationId: id, readSeq: 2, unread: 1 })
    for (const socket of [one, other]) {
      await socket?.until(() => socket.received.some(({ type }) => type === 'conversation.read'))
      const told = socket?.received.find(({ type }) => type === 'conversation.read')
      expect(told?.payload).to.deep.equal(answer.body)
    }
    expect(await unread()).to.equal(1)
    // Never back, never beyond the end.
    expect(readMarkView.parse((await mark(user, id, 1)).body).readSeq).to.equal(2)
    expect(readMarkView.parse((await mark(user, id, 1_000)).body)).to.deep.include({ readSeq: 3, unread: 0 })
    await talk(user, agentIds, 'And now?', id)
    // The two answers to it.
    expect(await unread()).to.equal(2)
    const { version } = (await list(user)).data[0] ?? {}
    await mark(user, id, 6)
    expect((await list(user)).data[0]?.version).to.equal(version)
    for (const socket of [one, other]) socket?.close()
    const stranger = await world.app.api.register()
    expect((await mark(stranger, id, 1)).status).to.equal(404)
    for (const seq of [-1, 1.5, 2 ** 31]) expect((await mark(user, id, seq)).status).to.equal(400)
    const { db } = world.app.container
    await db.query(
      `INSERT INTO messages (id, conversation_id, seq, role, agent_id, agent_name, content, status)
       SELECT gen_random_uuid(), $1, 1000 + n, 'agent', $2, 'Ada', 'Tea.', 'complete' FROM generate_series(1, 300) AS n`,
      [id, agentIds[0]],
    )
    expect(await unread(), 'not counted beyond 100').to.equal(100)
    await db.query('DELETE FROM messages WHERE conversation_id = $1 AND seq > 1000', [id])
    const marks = await Promise.all([3, 6, 4, 5].map((seq) => mark(user, id, seq)))
    expect(marks.every(({ body }) => readMarkView.parse(body).readSeq === 6)).to.equal(true)
  })

  it('begins with what is pinned; its pages hold', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply('Tea.')
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push(await talk(user, agentIds, `Topic ${n}`))
    const [a, b, c, d, e] = ids
    const pin = async (id: string | undefined, pinned: boolean) =>
      expect((await user.patch(`/api/chat/conversations/${id}`, { pinned })).status).to.equal(200)
    await pin(a, true)
    await pin(c, true)
    const all: string[] = []
    let cursor: string | null = null
    do {
      const next: z.infer<typeof page> = await list(user, `?limit=1${cursor ? `&cursor=${cursor}` : ''}`)
      all.push(...next.data.map(({ id }) => id))
      cursor = next.nextCursor
    } while (cursor !== null)
    expect(all).to.deep.equal([c, a, e, d, b])
    expect((await list(user, `?cursor=${a}`)).data.map(({ id }) => id)).to.deep.equal([e, d, b])
    await pin(c, false)
    expect((await list(user)).data.map(({ id }) => id)).to.deep.equal([a, e, d, c, b])
    expect((await user.get('/api/chat/conversations?cursor=q_1_2')).status).to.equal(400)
  })

  describe('searched', () => {
    const find = async (user: TestUser, words: string, more = '') =>
      (await list(user, `?q=${encodeURIComponent(words)}${more}`)).data
    const excerpts = async (user: TestUser, words: string) =>
      (await find(user, words)).flatMap(({ found }) => textOf(found))

    it('finds what was just said, by beginnings of all the words, in any case and without accents, marked', async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      world.llm.reply('Schnauzers are dogs, je résume: très élégants.')
      const id = await talk(user, agentIds, 'What of my schnauzer?')
      expect(await excerpts(user, 'SCHNAUZ')).to.deep.equal([
        '[Schnauzers] are dogs, je résume: très élégants.',
        'What of my [schnauzer]?',
      ])
      expect(await excerpts(user, 'elegant dog')).to.deep.equal(['Schnauzers are [dogs], je résume: très [élégants].'])
      // All of them in one message.
      expect(await find(user, 'what dogs')).to.deep.equal([])
      expect(await find(user, 'nauzer')).to.deep.equal([])
      for (const nothing of ['!!!', '%', "'", 'a\\b & c', '🦊'])
        expect(await find(user, nothing), nothing).to.deep.equal([])
      const [found] = await find(user, 'schnauzer')
      expect(found?.found?.messages[0]).to.deep.include({ seq: 2, role: 'agent', agentName: 'Ada' })
      await user.patch(`/api/chat/conversations/${id}`, { title: 'Über_Hunde 100%' })
      for (const title of ['über_hunde', '100%']) {
        const [named] = await find(user, title)
        expect(
          named?.found?.title?.some(({ isMatch }) => isMatch),
          title,
        ).to.equal(true)
      }
    })

    it('in any script', async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      const texts: Array<[text: string, words: string, shown: string]> = [
        ['今日は京都に行きます。', '京都', '今日は[京都]に行きます。'],
        ['我喜歡喝綠茶。', '绿茶', '我喜歡喝[綠茶]。'],
        ['Где мой чай?', 'ЧАЙ', 'Где мой [чай]?'],
        ['أين الشاي الأخضر', 'الشاي', 'أين [الشاي] الأخضر'],
        ['मुझे चाय पसंद है', 'चाय', 'मुझे [चाय] पसंद है'],
        ['ผมชอบดื่มชาเขียว', 'ชาเขียว', 'ผมชอบดื่ม[ชาเขียว]'],
        ['오늘은 녹차를 마십니다', '녹차', '오늘은 [녹차]를 마십니다'],
        ['Πού είναι το τσάι;', 'τσαι', 'Πού είναι το [τσάι];'],
        ['Die Rechnung AB-1234/7 über 48.213,77', 'ab-1234', 'Die Rechnung [AB]-[1234]/7 über 48.213,77'],
      ]
      world.llm.reply('—')
      const { conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: texts[0]?.[0] })
      for (const [text] of texts.slice(1)) {
        await talk(user, agentIds, text, conversationId)
      }
      for (const [, words, shown] of texts) expect(await excerpts(user, words), words).to.deep.equal([shown])
    })

    it("is one's own only, leaves out what was superseded, and goes with what is deleted", async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      world.llm.reply('Xylophones.')
      const id = await talk(user, agentIds, 'Instruments?')
      const stranger = await world.app.api.register()
      expect(await find(stranger, 'xylophone')).to.deep.equal([])
      expect(await find(user, 'xylophone')).to.have.length(1)
      const [, said] = await user.messages(id)
      world.llm.reset()
      world.llm.reply('Ocarinas.')
      const again = await user.post(`/api/chat/messages/${said?.id}/regenerate`, undefined)
      await user.finished(Object(again.body).runId)
      expect(await find(user, 'xylophone')).to.deep.equal([])
      expect(await find(user, 'ocarina')).to.have.length(1)
      expect(await find(user, 'ocarina', '&archived=true')).to.deep.equal([])
      await user.patch(`/api/chat/conversations/${id}`, { archived: true })
      expect(await find(user, 'ocarina')).to.have.length(1)
      await user.delete(`/api/chat/conversations/${id}`)
      expect(await find(user, 'ocarina')).to.deep.equal([])
      const [left] = await world.app.container.db.query(
        'SELECT count(*)::int AS n FROM message_words w WHERE NOT EXISTS (SELECT FROM messages m WHERE m.id = w.message_id)',
      )
      expect(left.n).to.equal(0)
    })

    it('goes page by page; of long texts the place is shown', async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      world.llm.reply('—')
      for (let n = 0; n < 3; n++) await talk(user, agentIds, `${'so '.repeat(500)}Marmalade ${n} ${'and '.repeat(500)}`)
      const first = await list(user, '?q=marmalade&limit=2')
      expect(first.data).to.have.length(2)
      const rest = await list(user, `?q=marmalade&limit=2&cursor=${first.nextCursor}`)
      expect([rest.data.length, rest.nextCursor]).to.deep.equal([1, null])
      const [text] = textOf(first.data[0]?.found) ?? []
      expect(text).to.match(/^….{37,40}\[Marmalade\] 2 .*…$/)
      expect(text?.length).to.be.at.most(210)
    })

    it('reads words of others not at all, however common they are', async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      world.llm.reply('—')
      await talk(user, agentIds, 'hello')
      await find(user, 'hello')
      const { db } = world.app.container
      const other = await world.app.api.register()
      const id = await other.accept('/api/chat', { agentId: ADA, message: 'hello' })
      await other.finished(id.runId)
      await db.query(
        `INSERT INTO messages (id, conversation_id, seq, role, content, status)
         SELECT gen_random_uuid(), $1, 100 + n, 'user', 'hello hello', 'complete' FROM generate_series(1, 3000) AS n`,
        [id.conversationId],
      )
      await db.query('UPDATE conversations SET last_seq = 3100 WHERE id = $1', [id.conversationId])
      while ((await world.app.container.messageSearch.noteWords(other.id, 1_000)) > 0);
      await db.query('VACUUM ANALYZE message_words')
      await db.query('ANALYZE messages')
      const mark = user.id.replaceAll('-', '').slice(-8)
      const [plan] = await db.query(
        `EXPLAIN (ANALYZE, FORMAT JSON) SELECT FROM message_words w WHERE w.search @@ $1::tsquery`,
        [`'${mark}:hello':*`],
      )
      expect(Object(plan)['QUERY PLAN'][0].Plan['Actual Rows']).to.equal(1)
    })

    it('has its words noted by the reconciler, when nobody searches', async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      world.llm.reply('—')
      const id = await talk(user, agentIds, 'hello')
      const { db } = world.app.container
      const waiting = async () => {
        const [row] = await db.query('SELECT last_seq - noted_seq AS waiting FROM conversations WHERE id = $1', [id])
        return row.waiting
      }
      expect(await waiting(), 'it has only just been said').to.equal(2)
      await db.query(`UPDATE conversations SET active_at = now() - interval '1 minute' WHERE id = $1`, [id])
      await eventually(async () => (await waiting()) === 0)
    })

    it('of one user are few at a time', async () => {
      const user = await world.app.api.register()
      const search = new ConversationSearch(world.app.container.messageSearch)
      const held = Promise.withResolvers<string[]>()
      const find = () => search.of(user.id, 'hello', () => held.promise)
      const both = [find(), find()]
      const refused = await search.of(user.id, 'hello', async () => ['let in']).catch((error: unknown) => error)
      expect(refused).to.be.instanceOf(AppError).and.to.include({ code: 'search.too_many' })
      held.resolve(['found'])
      expect(await Promise.all(both)).to.deep.equal([['found'], ['found']])
      expect(await find(), 'when they are over').to.deep.equal(['found'])
    })

    it('are answered, or refused with a word, when one user sends many', async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      world.llm.reply('—')
      await talk(user, agentIds, 'hello')
      const answers = await Promise.all(Array.from({ length: 12 }, () => user.get('/api/chat/conversations?q=hello')))
      const refused = answers.filter(({ status }) => status !== 200)
      for (const answer of refused) expect(errorOf(answer).code).to.equal('search.too_many')
      expect(answers.some(({ status }) => status === 200)).to.equal(true)
      for (const query of ['?q=', `?q=${'x'.repeat(201)}`])
        expect((await user.get(`/api/chat/conversations${query}`)).status, query).to.equal(400)
    })
  })
})
