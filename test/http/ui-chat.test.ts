import { Chat } from '@ai-sdk/react'
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses, type UIMessage } from 'ai'
import { expect } from 'chai'
import { z } from 'zod'
import { newId } from '../../src/shared/ids.ts'
import type { TestUser } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { eventually } from '../support/pace.ts'
import { answered, asksFor, by, usePartyWorld } from '../workers/party-world.ts'

const WORDS = 'The quick brown fox jumps over the lazy dog.'
const metadata = z.looseObject({ runId: z.guid(), conversationId: z.guid(), status: z.string() })
const turnPart = z.object({ type: z.literal('data-turn'), data: z.looseObject({ name: z.string() }) })
const history = z.object({
  conversationId: z.guid().nullable(),
  data: z.array(z.custom<UIMessage>()),
  nextCursor: z.string().nullable(),
})

/** The AI SDK's own state of a chat, which `useChat` shows: without a browser here, with one in `use-chat.test.ts`. */
describe('The chats of the AI SDK', function () {
  this.timeout(30_000)
  const world = usePartyWorld({ env: { TURN_MAX_ATTEMPTS: '2' } })

  const chatOf = (user: TestUser, body: object, id: string = newId(), messages: UIMessage[] = []) => {
    const api = `${world.app.url}/api/ui/chat`
    const transport = new DefaultChatTransport({ api, headers: { authorization: `Bearer ${user.token}` }, body })
    const sendAutomaticallyWhen = lastAssistantMessageIsCompleteWithApprovalResponses
    return new Chat({ id, transport, messages, sendAutomaticallyWhen })
  }
  const historyOf = async (user: TestUser, id: string, query = '') =>
    history.parse((await user.get(`/api/ui/chat/${id}${query}`)).body)
  const wordsOf = ({ parts }: UIMessage) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  const namesOf = ({ parts }: UIMessage) =>
    parts.flatMap((part) => (part.type === 'data-turn' ? [turnPart.parse(part).data.name] : []))
  const last = (chat: { messages: UIMessage[] }): UIMessage => {
    const message = chat.messages.at(-1)
    if (!message) throw new Error('the chat has no messages')
    return message
  }
  const asSent = (messages: UIMessage[]) =>
    JSON.parse(JSON.stringify(messages.filter(({ role }) => role === 'assistant')))
  /** What the client shows is what the database has, and what a reload would show. */
  const expectSame = async (user: TestUser, chat: { id: string; messages: UIMessage[] }) => {
    const { conversationId } = metadata.parse(last(chat).metadata)
    const stored = (await user.messages(conversationId)).filter(({ status }) => status !== 'superseded')
    expect(chat.messages.flatMap(wordsOf)).to.deep.equal(stored.map(({ content }) => content))
    const { data } = await historyOf(user, chat.id)
    expect(asSent(chat.messages)).to.deep.equal(asSent(data))
  }
  const begun = (chat: { messages: UIMessage[] }) =>
    eventually(() => chat.messages.some((message) => message.role === 'assistant' && wordsOf(message).length > 0))

  it('an agent answers, and the same chat goes on', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.replyOnce({ text: WORDS }).replyOnce('And again.')
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'Hello' })
    expect(chat.status).to.equal('ready')
    expect(namesOf(last(chat))).to.deep.equal(['Ada'])
    const { runId, usage } = metadata.parse(last(chat).metadata)
    expect(last(chat).id).to.equal(runId)
    const { receipt } = await user.run(runId)
    expect(usage).to.deep.include({ inputTokens: receipt.inputTokens, outputTokens: receipt.outputTokens })
    await expectSame(user, chat)
    await chat.sendMessage({ text: 'Go on' })
    await expectSame(user, chat)
    expect(chat.messages).to.have.length(4)
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('every turn of a party is a step, behind its speaker; a chat knows whom it was with', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply(WORDS)
    const chat = chatOf(user, { agentIds, maxTurns: 3 })
    await chat.sendMessage({ text: 'Tea or coffee?' })
    expect(namesOf(last(chat))).to.deep.equal(['Ada', 'Blaise', 'Ada'])
    await expectSame(user, chat)
    const later = chatOf(user, {}, chat.id, chat.messages)
    await later.sendMessage({ text: 'And milk?' })
    expect(namesOf(last(later)).slice(0, 2)).to.deep.equal(['Ada', 'Blaise'])
    await expectSame(user, later)
  })

  it('a panel is written one after the other, and leaves out nothing', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise', 'Clara'])
    const hold = world.llm.hold(2)
    world.llm.reply({ when: by('Ada'), times: 1, text: `Ada: ${WORDS}`, hold }).reply(WORDS)
    const chat = chatOf(user, { agentIds, strategy: 'panel' })
    const done = chat.sendMessage({ text: 'Is it safe?' })
    await hold.reached
    hold.release()
    await done
    expect(namesOf(last(chat))).to.deep.equal(['Ada', 'Blaise', 'Clara', 'Ada'])
    const { conversationId } = metadata.parse(last(chat).metadata)
    const stored = await user.messages(conversationId)
    expect(chat.messages.flatMap(wordsOf)).to.have.members(stored.map(({ content }) => content))
    expect(asSent(chat.messages)).to.deep.equal(asSent((await historyOf(user, chat.id)).data))
  })

  it('a turn that is tried again takes its words back', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm
      .reply({ when: by('Ada'), text: WORDS })
      .reply({ when: by('Blaise'), times: 1, text: 'This will never be heard of again.', cutAfter: 3 })
      .reply({ when: by('Blaise'), text: 'Once more.' })
    const chat = chatOf(user, { agentIds, maxTurns: 2 })
    await chat.sendMessage({ text: 'Tea or coffee?' })
    expect(wordsOf(last(chat))).to.deep.equal([WORDS, 'Once more.'])
    await expectSame(user, chat)
  })

  it('a reload in the middle of a turn goes on at the very character; when nothing is under way, there is nothing to go on with', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const hold = world.llm.hold(3)
    world.llm.replyOnce('Before.').reply({ text: WORDS, hold })
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'Hello' })
    expect((await user.get(`/api/ui/chat/${chat.id}/stream`)).status).to.equal(204)
    const first = chat.sendMessage({ text: 'Go on' })
    await hold.reached
    await eventually(() => chat.messages.length === 4 && wordsOf(last(chat)).length > 0)
    const { data } = await historyOf(user, chat.id)
    expect(data.map(({ role }) => role)).to.deep.equal(['user', 'assistant', 'user', 'assistant'])
    const reloaded = chatOf(user, {}, chat.id, data)
    const second = reloaded.resumeStream()
    await eventually(() => wordsOf(last(reloaded)).length > 0)
    hold.release()
    await Promise.all([first, second])
    expect(wordsOf(last(reloaded))).to.deep.equal([WORDS])
    await expectSame(user, chat)
    await expectSame(user, reloaded)
    // One that was named is told though it is over.
    const { runId } = metadata.parse(last(chat).metadata)
    const answer = await user.request('GET', `/api/ui/chat/${chat.id}/stream?runId=${newId()}`)
    expect(answer.status).to.equal(404)
    const api = `${world.app.url}/api/ui/chat/${chat.id}/stream?runId=${runId}`
    const text = await (await fetch(api, { headers: { authorization: `Bearer ${user.token}` } })).text()
    expect(text)
      .to.include('"finish"')
      .and.match(/data: \[DONE\]\n\n$/)
  })

  it('a client that stops reading stops nothing; one that stops the chat does', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const holds = [world.llm.hold(3), world.llm.hold(3)]
    for (const hold of holds) world.llm.replyOnce({ text: WORDS, hold })
    const chat = chatOf(user, { agentId: agentIds[0] })
    const done = chat.sendMessage({ text: 'Hello' })
    await holds[0]?.reached
    await begun(chat)
    await chat.stop()
    await done
    holds[0]?.release()
    const { runId } = metadata.parse(last(chat).metadata)
    expect(await user.finished(runId)).to.include({ status: 'completed' })

    const next = chatOf(user, { agentId: agentIds[0] })
    const stopped = next.sendMessage({ text: 'Hello' })
    await holds[1]?.reached
    await begun(next)
    const { status, body } = await user.post(`/api/ui/chat/${next.id}/stop`, {})
    expect(status).to.equal(200)
    expect(body).to.include({ status: 'cancelled' })
    await stopped
    expect(metadata.parse(last(next).metadata)).to.include({ status: 'cancelled', stopReason: 'cancelled' })
    await expectSame(user, next)
    expect((await user.post(`/api/ui/chat/${next.id}/stop`, {})).status, 'nothing is under way').to.equal(204)
  })

  it('a run that failed says why, also after a reload, and is held once more when it is asked for', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.replyOnce({ status: 401 }).reply(WORDS)
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'Hello' })
    expect(chat.status).to.equal('error')
    const { status, error } = metadata.parse(last(chat).metadata)
    expect({ status, error }).to.deep.nested.include({ status: 'failed', 'error.code': 'provider.unauthorized' })
    expect(chat.error?.message).to.equal(Object(error).message)
    const { data } = await historyOf(user, chat.id)
    expect(asSent(chat.messages)).to.deep.equal(asSent(data))
    await chat.regenerate()
    expect(chat.status).to.equal('ready')
    expect(wordsOf(last(chat))).to.deep.equal([WORDS])
    await expectSame(user, chat)
  })

  it('an answer is given anew', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.replyOnce('No.').reply('Yes.')
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'Is it safe?' })
    await chat.regenerate()
    expect(chat.messages.flatMap(wordsOf)).to.deep.equal(['Is it safe?', 'Yes.'])
    await expectSame(user, chat)
  })

  it("a party's answer is given anew from the same words on", async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.replyOnce('One.').replyOnce('Two.').replyOnce('Three.').replyOnce('Four.')
    const chat = chatOf(user, { agentIds, maxTurns: 2 })
    await chat.sendMessage({ text: 'Tea or coffee?' })
    await chat.regenerate()
    expect(chat.messages.flatMap(wordsOf)).to.deep.equal(['Tea or coffee?', 'Three.', 'Four.'])
    expect(namesOf(last(chat))).to.deep.equal(['Ada', 'Blaise'])
    await expectSame(user, chat)
  })

  it("the user's last words are said otherwise, before a reload and after one; words before them are not", async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply(WORDS)
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'First' })
    await chat.sendMessage({ text: 'Secnd' })
    const [one, , two] = chat.messages
    await chat.sendMessage({ text: 'Second', messageId: two?.id })
    expect(chat.messages.filter(({ role }) => role === 'user').flatMap(wordsOf)).to.deep.equal(['First', 'Second'])
    await expectSame(user, chat)
    const later = chatOf(user, {}, chat.id, (await historyOf(user, chat.id)).data)
    await later.sendMessage({ text: 'The second', messageId: later.messages[2]?.id })
    await expectSame(user, later)
    expect(later.messages.filter(({ role }) => role === 'user').flatMap(wordsOf)).to.deep.equal(['First', 'The second'])
    await later.sendMessage({ text: 'x'.repeat(40_000), messageId: later.messages[2]?.id })
    expect(later.error?.message).to.include('request.invalid')
    for (const before of [chat, later]) {
      await before.sendMessage({ text: 'Zeroth', messageId: before === chat ? one?.id : before.messages[0]?.id })
      expect(before.error?.message).to.include('chat.not_last_of_user')
    }
    const stale = chatOf(user, {}, chat.id, (await historyOf(user, chat.id)).data)
    await stale.regenerate({ messageId: stale.messages[1]?.id ?? '' })
    expect(stale.error?.message).to.include('run.not_last')
  })

  it('words that never came here are said when they are sent again', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply(WORDS)
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'First' })
    await chat.sendMessage({ text: ' ' })
    expect(chat.status).to.equal('error')
    await chat.sendMessage({ text: 'Second', messageId: last(chat).id })
    await expectSame(user, chat)
  })

  it('a chat of the same name is another one of somebody else', async () => {
    const [one, other] = await Promise.all([world.guests(['Ada']), world.guests(['Ada'])])
    world.llm.reply(WORDS)
    const chat = chatOf(one.user, { agentId: one.agentIds[0] }, 'tea')
    await chat.sendMessage({ text: 'Hello' })
    expect(await historyOf(other.user, 'tea')).to.deep.equal({ conversationId: null, data: [], nextCursor: null })
    const { conversationId } = metadata.parse(last(chat).metadata)
    // By the conversation's own id it is the owner's alone.
    expect((await historyOf(one.user, conversationId)).data).to.have.length(2)
    expect((await historyOf(other.user, conversationId)).data).to.deep.equal([])
    const { status } = await other.user.get(`/api/ui/chat/${conversationId}/stream`)
    expect(status).to.equal(204)
  })

  it('a new chat that two begin at once is one chat', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply(WORDS)
    const id = newId()
    const chats = [chatOf(user, { agentId: agentIds[0] }, id), chatOf(user, { agentId: agentIds[0] }, id)]
    await Promise.all(chats.map((chat) => chat.sendMessage({ text: 'Hello' })))
    const [one, other] = chats.map((chat) => metadata.parse(last(chat).metadata).conversationId)
    expect(one).to.equal(other)
    expect((await historyOf(user, id)).data).to.have.length(4)
  })

  it('pages begin with what a user said', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply(WORDS)
    const chat = chatOf(user, { agentIds, maxTurns: 2 })
    await chat.sendMessage({ text: 'First' })
    await chat.sendMessage({ text: 'Second' })
    const latest = await historyOf(user, chat.id, '?limit=4')
    expect(latest.data.map(({ role }) => role)).to.deep.equal(['user', 'assistant'])
    const before = await historyOf(user, chat.id, `?limit=4&cursor=${latest.nextCursor}`)
    expect([...before.data, ...latest.data].flatMap(wordsOf)).to.deep.equal(chat.messages.flatMap(wordsOf))
    expect(before.nextCursor).to.equal(null)
  })

  it('a new chat begins with what was said elsewhere before, each under its name', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply(WORDS)
    const text = (words: string) => ({ type: 'text' as const, text: words })
    const before: UIMessage[] = [
      { id: 'one', role: 'user', parts: [text('Tea or coffee?')] },
      {
        id: 'two',
        role: 'assistant',
        parts: [{ type: 'data-turn', data: { name: 'Zoe' } }, text('Tea.'), text('Or not.')],
      },
    ]
    const chat = chatOf(user, { agentId: agentIds[0] }, newId(), before)
    await chat.sendMessage({ text: 'And you?' })
    expect(world.llm.requests[0]?.messages.map(({ text: words }) => words).join('\n')).to.include('Zoe: Tea.')
    const { data } = await historyOf(user, chat.id)
    expect(data.map(({ role }) => role)).to.deep.equal(['user', 'assistant', 'assistant', 'user', 'assistant'])
    expect(data.flatMap(wordsOf)).to.deep.equal(chat.messages.flatMap(wordsOf))
    expect(data.flatMap(namesOf)).to.deep.equal(['Zoe', 'Zoe', 'Ada'])
  })

  const toolsOf = ({ parts }: UIMessage) => parts.flatMap((part) => (part.type === 'dynamic-tool' ? [part] : []))
  /** A chat with an agent that asks whether it may calculate, as it is asked, and as it is after a reload. */
  const asked = async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
    world.llm.reply(answered('So it is. 🙂')).reply(asksFor('6 * 7', 'May I? 🙂'))
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'How much is it?' })
    const reloaded = chatOf(user, {}, chat.id, (await historyOf(user, chat.id)).data)
    return { user, chat, reloaded, call: toolsOf(last(chat))[0]?.toolCallId ?? '' }
  }

  it('what an agent does with tools stands between its words, where it was done', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator' }] })
    world.llm.reply(answered('So it is. 🙂')).reply(asksFor('6 * 7', 'Let me see. 🙂'))
    const chat = chatOf(user, { agentId: agentIds[0] })
    await chat.sendMessage({ text: 'How much is it?' })
    expect(last(chat).parts.map(({ type }) => type)).to.deep.equal([
      ...['step-start', 'data-turn', 'text', 'dynamic-tool', 'text'],
    ])
    expect(wordsOf(last(chat))).to.deep.equal(['Let me see. 🙂', '\n\nSo it is. 🙂'])
    expect(toolsOf(last(chat))[0]).to.deep.include({
      ...{ toolName: 'calculator', state: 'output-available', input: { expression: '6 * 7' }, output: '42' },
    })
    // Whoever comes when it is over reads it in the same order.
    const { runId } = metadata.parse(last(chat).metadata)
    const api = `${world.app.url}/api/ui/chat/${chat.id}/stream?runId=${runId}`
    const late = await (await fetch(api, { headers: { authorization: `Bearer ${user.token}` } })).text()
    const told = Array.from(late.matchAll(/"type":"(text-delta|tool-output-available)"/g), ([, type]) => type)
    expect(told).to.deep.equal(['text-delta', 'tool-output-available', 'text-delta'])
    expect(asSent(chat.messages)).to.deep.equal(asSent((await historyOf(user, chat.id)).data))
  })

  it('what an agent asks for ends the stream, and is in the history; whoever allows it after a reload has the rest of the same run', async () => {
    const { user, chat, reloaded, call } = await asked()
    const { runId } = metadata.parse(last(chat).metadata)
    expect(chat.status).to.equal('ready')
    expect(metadata.parse(last(chat).metadata)).to.include({ status: 'waiting' })
    expect(toolsOf(last(chat))[0]).to.deep.include({ state: 'approval-requested', approval: { id: call } })
    expect(asSent(reloaded.messages)).to.deep.equal(asSent(chat.messages))
    await reloaded.resumeStream()
    expect(asSent(reloaded.messages), 'resumed').to.deep.equal(asSent(chat.messages))
    await reloaded.addToolApprovalResponse({ id: call, approved: true })
    await eventually(() => reloaded.status === 'ready' && metadata.parse(last(reloaded).metadata).status !== 'waiting')
    expect(metadata.parse(last(reloaded).metadata)).to.include({ runId, status: 'completed' })
    expect(toolsOf(last(reloaded))[0]).to.deep.include({ state: 'output-available', output: '42' })
    expect(wordsOf(last(reloaded)).join('')).to.equal('May I? 🙂\n\nSo it is. 🙂')
    expect(asSent(reloaded.messages)).to.deep.equal(asSent((await historyOf(user, chat.id)).data))
    // The other window says no, too late: it is told what became of it.
    await chat.addToolApprovalResponse({ id: call, approved: false })
    await eventually(() => chat.status === 'ready' && metadata.parse(last(chat).metadata).status === 'completed')
    expect(asSent(chat.messages)).to.deep.equal(asSent(reloaded.messages))
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('what is denied is not done; nobody else decides, and nothing more is said before somebody has', async () => {
    const { user, chat, call } = await asked()
    const { conversationId } = metadata.parse(last(chat).metadata)
    const stranger = await world.app.api.register()
    const theirs = chatOf(stranger, {}, conversationId, chat.messages)
    await theirs.addToolApprovalResponse({ id: call, approved: true })
    await eventually(() => theirs.status === 'error')
    expect(theirs.error?.message).to.include('approval.not_found')
    const other = chatOf(user, {}, chat.id)
    await other.sendMessage({ text: 'Well?' })
    expect(other.error?.message).to.include('chat.awaits_decision')
    await chat.addToolApprovalResponse({ id: call, approved: false })
    await eventually(() => chat.status === 'ready' && metadata.parse(last(chat).metadata).status === 'completed')
    expect(toolsOf(last(chat))[0]).to.deep.include({
      state: 'output-denied',
      approval: { id: call, approved: false },
    })
    expect(asSent(chat.messages)).to.deep.equal(asSent((await historyOf(user, chat.id)).data))
    const { data } = Object((await user.get(`/api/chat/runs/${last(chat).id}/tool-calls`)).body)
    expect(data[0]).to.include({ status: 'denied', startedAt: null })
  })

  it('what is said while an agent talks that asks then leaves nobody hanging: the stream says that it waits, and is read on once somebody has decided', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
    const hold = world.llm.hold()
    world.llm.reply(answered('So it is.')).reply({ ...asksFor('6 * 7', 'May I?'), hold })
    const chat = chatOf(user, { agentId: agentIds[0] })
    const first = chat.sendMessage({ text: 'How much is it?' })
    await hold.reached
    const other = chatOf(user, {}, chat.id)
    const second = other.sendMessage({ text: 'And then?' })
    await eventually(() => other.messages.length === 2)
    hold.release()
    await first
    await second
    expect([chat.status, other.status]).to.deep.equal(['ready', 'ready'])
    const { runId, ...waits } = metadata.parse(last(other).metadata)
    expect(waits).to.include({ status: 'pending' })
    // Whoever comes to it now is not left hanging either.
    const api = `${world.app.url}/api/ui/chat/${chat.id}/stream?runId=${runId}`
    const late = await (await fetch(api, { headers: { authorization: `Bearer ${user.token}` } })).text()
    expect(late).to.include('"finishReason":"tool-calls"')
    world.llm.reply('Then tea.')
    const [approval] = Object((await user.get('/api/chat/approvals')).body).data
    await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'deny' })
    expect(await user.finished(runId)).to.include({ status: 'completed' })
    expect((await historyOf(user, chat.id)).data.flatMap(wordsOf).at(-1)).to.equal('Then tea.')
  })

  it('says precisely what it cannot take', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const say = async (body: object) => {
      const answer = await user.post('/api/ui/chat', { id: newId(), agentId: agentIds[0], ...body })
      return `${answer.status} ${Object(answer.body).error?.message}`
    }
    const text = { type: 'text', text: 'Hello' }
    const file = { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' }
    expect(await say({ messages: [{ role: 'user', parts: [text, file] }] })).to.match(/^400 .*parts\.1.*fileIds/)
    expect(await say({ messages: [{ role: 'assistant', parts: [text] }] })).to.match(/^400 .*messages\.0\.role/)
    expect(await say({ messages: [{ role: 'user', parts: [] }] })).to.match(/^400 .*message/)
    expect(await say({ messages: [{ role: 'user', parts: [text] }], model: 'Ada' })).to.match(/^400 .*agentId/)
    expect(await say({ messages: [{ role: 'user', parts: [text] }], agentId: undefined })).to.match(/^400 .*model/)
    expect(await say({ messages: [{ role: 'user', parts: [text] }], id: 'x'.repeat(256) })).to.match(/^400 .*id/)
    expect(await say({ messages: [{ role: 'user', parts: [text] }], id: 'ü'.repeat(200) })).to.match(/^400 .*bytes/)
    expect((await user.get('/api/ui/chat/a%00b')).status).to.equal(404)
    expect(await say({ trigger: 'regenerate-message', messages: [{ role: 'user', parts: [text] }] })).to.match(/^404/)
  })
})
