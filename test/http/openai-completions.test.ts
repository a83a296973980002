import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import type { TestUser } from '../support/api-client.ts'
import { eventually } from '../support/pace.ts'
import { QUEUES } from '../support/redis.ts'
import { answered, asksFor } from '../workers/party-world.ts'
import { ask, failureOf, LONG, newestOf, spokenTo, textOf, USAGE, useOpenAi } from './openai-world.ts'

for (const profile of QUEUES) {
  describe(`Chat completions of OpenAI's own client, unchanged, queue on ${profile}`, function () {
    this.timeout(40_000)
    const { world, clientOf, enter } = useOpenAi(profile)
    let user: TestUser
    let client: OpenAI
    let agentIds: string[]
    let ada: string

    beforeEach(async () => {
      ;({ user, client, agentIds, ada } = await enter())
    })

    /** A provider that breaks off once the client has words of it, and then says this. */
    const breaksOff = (then: string) => {
      const hold = world.llm.hold(5)
      world.llm.replyOnce({ text: LONG, hold, cutAfter: 7 }).reply(then)
      return () => hold.release()
    }
    const spoken = (conversationId: string) => spokenTo(user, conversationId)
    const newest = () => newestOf(user)

    it('is not left hanging where an agent asks first: it is told what, and has the answer by the same key once somebody has decided', async () => {
      await user.put(`/api/agents/${ada}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
      world.llm.reply(answered('So it is.')).reply(asksFor('6 * 7', 'May I?'))
      const request = { model: 'Uma', messages: ask('How much is it?') }
      const headers = { 'Idempotency-Key': randomUUID() }
      const whole = await failureOf(client.chat.completions.create(request, { headers }))
      expect(whole).to.be.instanceOf(OpenAI.ConflictError).and.include({ code: 'run.awaits_decision' })
      expect(String(whole)).to.include('Uma asks to use Calculator.')
      const { approvals, conversationId } = Object(whole).error.details
      const streamed = await failureOf(
        client.chat.completions.create({ ...request, stream: true }, { headers }).then((stream) => textOf(stream)),
      )
      expect(streamed).to.deep.include({ code: 'run.awaits_decision' })
      const more = { headers: { 'X-Conversation-Id': conversationId } }
      const behind = await failureOf(client.chat.completions.create({ model: 'Uma', messages: ask('Well?') }, more))
      expect(behind).to.include({ status: 409, code: 'chat.awaits_decision' })
      expect((await user.post(`/api/chat/approvals/${approvals[0].id}`, { decision: 'approve' })).status).to.equal(200)
      const { choices } = await client.chat.completions.create(request, { headers })
      expect(choices[0]?.message).to.deep.include({ content: 'May I?\n\nSo it is.' })
      expect(choices[0]?.message).to.not.have.property('tool_calls')
      expect((await user.messages(conversationId)).map(({ role }) => role)).to.deep.equal(['user', 'agent'])
    })

    describe('chat completions', () => {
      it('answer, with the receipt as usage, what the conversation then has', async () => {
        world.llm.reply({ text: LONG, usage: USAGE })
        const { data, response } = await client.chat.completions
          .create({ model: 'Uma', messages: ask('Tea or coffee?'), temperature: 0.2, seed: 1, user: 'me' })
          .withResponse()
        const conversationId = response.headers.get('x-conversation-id') ?? ''
        expect(data.choices).to.have.length(1)
        expect(data.choices[0]).to.deep.include({ index: 0, finish_reason: 'stop' })
        expect(data.choices[0]?.message).to.deep.include({ role: 'assistant', content: LONG })
        expect(data).to.deep.include({ object: 'chat.completion', model: 'Uma' })
        const run = await user.run(response.headers.get('x-run-id') ?? '')
        expect(data.usage).to.deep.include({
          prompt_tokens: run.receipt.inputTokens,
          completion_tokens: run.receipt.outputTokens,
          total_tokens: run.receipt.inputTokens + run.receipt.outputTokens,
          credits: run.receipt.credits,
        })
        expect(run.receipt).to.deep.include({ ...USAGE, turns: 1 })
        expect(await spoken(conversationId)).to.deep.equal([
          ['user', null, 'Tea or coffee?'],
          ['agent', 'Uma', LONG],
        ])
      })

      it('stream as they are said: the role first and once, one finish, then the usage, then the end', async () => {
        const hold = world.llm.hold(3)
        world.llm.reply({ text: LONG, hold, usage: USAGE })
        const stream = await client.chat.completions.create({
          model: `agent:${ada}`,
          messages: ask('Tea or coffee?'),
          stream: true,
          stream_options: { include_usage: true },
        })
        const chunks: OpenAI.ChatCompletionChunk[] = []
        let text = ''
        for await (const chunk of stream) {
          chunks.push(chunk)
          text += chunk.choices[0]?.delta.content ?? ''
          // Words are here while the model is still held.
          if (text !== '') hold.release()
        }
        expect(text).to.equal(LONG)
        const roles = chunks.filter(({ choices }) => choices[0]?.delta.role)
        expect(roles).to.deep.equal(chunks.slice(0, 1))
        const finishes = chunks.map(({ choices }) => choices[0]?.finish_reason)
        expect(finishes.slice(-2)).to.deep.equal(['stop', undefined])
        expect(finishes.slice(0, -2).every((reason) => reason === null)).to.equal(true)
        expect(chunks.at(-2)?.choices[0]?.delta).to.deep.equal({})
        expect(chunks.at(-1)).to.deep.include({ choices: [] })
        expect(chunks.at(-1)?.usage).to.deep.include({ prompt_tokens: 21, completion_tokens: 90, total_tokens: 111 })
        expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).to.equal(true)
        expect(new Set(chunks.map(({ id }) => id)).size).to.equal(1)
      })

      it('send no usage to who asked for none, and let the helper of the client put it together', async () => {
        world.llm.reply(LONG)
        const runner = client.chat.completions.stream({ model: 'Uma', messages: ask('Tea or coffee?') })
        expect(await runner.finalContent()).to.equal(LONG)
        expect((await runner.finalChatCompletion()).usage ?? null).to.equal(null)
      })

      it('keep the history that is sent with them, and say the last message only', async () => {
        world.llm.reply('As you said, tea.')
        const { response } = await client.chat.completions
          .create({
            model: 'Uma',
            messages: [
              { role: 'system', content: 'Be brief.' },
              { role: 'user', content: [{ type: 'text', text: 'I like tea.' }] },
              { role: 'assistant', content: 'So do I.' },
              { role: 'assistant', content: null },
              { role: 'user', content: 'What do I like?' },
            ],
          })
          .withResponse()
        expect(await spoken(response.headers.get('x-conversation-id') ?? '')).to.deep.equal([
          ['system', null, 'Be brief.'],
          ['user', null, 'I like tea.'],
          ['agent', 'Uma', 'So do I.'],
          ['user', null, 'What do I like?'],
          ['agent', 'Uma', 'As you said, tea.'],
        ])
        const [request] = world.llm.requests
        expect(request?.messages.map(({ role, text }) => [role, text])).to.deep.equal([
          ['user', 'Be brief.\n\nI like tea.'],
          ['assistant', 'So do I.'],
          ['user', 'What do I like?'],
        ])
      })

      it('go on in a conversation that is named, where only what is new is said', async () => {
        world.llm.reply('Tea.')
        const messages = ask('Tea or coffee?')
        const { response } = await client.chat.completions.create({ model: 'Uma', messages }).withResponse()
        const conversationId = response.headers.get('x-conversation-id') ?? ''
        const headers = { 'X-Conversation-Id': conversationId }
        const more = [...messages, { role: 'assistant' as const, content: 'Tea.' }, ...ask('Why?'), ...ask('Tell me.')]
        const again = await client.chat.completions.create({ model: 'Uma', messages: more }, { headers })
        expect(again.choices[0]?.message.content).to.equal('Tea.')
        expect((await spoken(conversationId)).map(([, , content]) => content)).to.deep.equal([
          ...['Tea or coffee?', 'Tea.', 'Why?\n\nTell me.', 'Tea.'],
        ])
        expect(await newest()).to.have.length(1)
      })

      it('are one conversation, however often the history is sent again; a branch is another', async () => {
        world.llm.reply('Tea.').replyOnce('Tea, I think.').replyOnce('Because it is warm.')
        const lines: OpenAI.ChatCompletionMessageParam[] = [{ role: 'system', content: 'Be brief.' }]
        const say = async (content: string, before = lines) => {
          const messages = [...before, ...ask(content)]
          const { data, response } = await client.chat.completions.create({ model: 'Uma', messages }).withResponse()
          const answer = data.choices[0]?.message.content ?? ''
          return {
            id: response.headers.get('x-conversation-id') ?? '',
            answer,
            all: [...messages, { role: 'assistant' as const, content: answer }],
          }
        }
        const first = await say('Tea or coffee?')
        const second = await say('Why?', first.all)
        expect(second.answer).to.equal('Because it is warm.')
        const third = await say('Sure?', second.all)
        expect([second.id, third.id]).to.deep.equal([first.id, first.id])
        expect((await spoken(first.id)).map(([, , content]) => content)).to.deep.equal([
          ...['Be brief.', 'Tea or coffee?', 'Tea, I think.', 'Why?', 'Because it is warm.', 'Sure?', 'Tea.'],
        ])
        const branch = await say('And milk?', first.all)
        expect(branch.id).to.not.equal(first.id)
        expect((await spoken(branch.id)).map(([, , content]) => content)).to.deep.equal([
          ...['Be brief.', 'Tea or coffee?', 'Tea, I think.', 'And milk?', 'Tea.'],
        ])
        const edited = third.all.map((line) => (line.role === 'assistant' ? { ...line, content: 'Milk.' } : line))
        expect((await say('Sure?', edited)).id).to.not.equal(first.id)
        // Both go on in one at once: one of them does, the other has a conversation of its own.
        const both = await Promise.all([say('At once?', third.all), say('At once?', third.all)])
        expect(both.filter(({ id }) => id === first.id)).to.have.length(1)
        expect((await spoken(first.id)).filter(([, , content]) => content === 'At once?')).to.have.length(1)
      })

      it('go on when the client goes away: it stops nothing', async () => {
        const hold = world.llm.hold(3)
        world.llm.reply({ text: LONG, hold })
        const { data: stream, response } = await client.chat.completions
          .create({ model: 'Uma', messages: ask('Tea or coffee?'), stream: true })
          .withResponse()
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
        hold.release()
        const run = await user.finished(response.headers.get('x-run-id') ?? '')
        expect(run).to.deep.include({ status: 'completed' })
        expect((await spoken(run.conversationId)).at(-1)).to.deep.equal(['agent', 'Uma', LONG])
      })

      it('are given once for one Idempotency-Key, streamed or not, also to who comes again after the end', async () => {
        world.llm.reply({ text: LONG })
        const headers = { 'Idempotency-Key': 'once' }
        const body = { model: 'Uma', messages: ask('Tea or coffee?') }
        const first = await client.chat.completions.create(body, { headers })
        const again = await client.chat.completions.create({ ...body, stream: true }, { headers })
        expect(await textOf(again)).to.equal(first.choices[0]?.message.content)
        expect(world.llm.requests).to.have.length(1)
        const other = client.chat.completions.create({ ...body, messages: ask('Milk?') }, { headers })
        expect(await failureOf(other)).to.be.instanceOf(OpenAI.ConflictError)
      })

      it('go on behind a provider that broke off, where it says the same again', async () => {
        const goOn = breaksOff(LONG)
        const stream = await client.chat.completions.create({
          model: 'Uma',
          messages: ask('Tea or coffee?'),
          stream: true,
        })
        expect(await textOf(stream, goOn)).to.equal(LONG)
        expect(world.llm.requests).to.have.length(2)
      })

      it('say that what was sent counts no more, where it says something else; the key then answers what is kept', async () => {
        const goOn = breaksOff('Something else.')
        const body = { model: 'Uma', messages: ask('Tea or coffee?'), stream: true } as const
        const headers = { 'Idempotency-Key': 'again' }
        const stream = await client.chat.completions.create(body, { headers })
        const failure = await failureOf(textOf(stream, goOn))
        expect(failure).to.be.instanceOf(OpenAI.APIError).and.to.include({ code: 'run.said_anew' })
        const again = await client.chat.completions.create(body, { headers })
        expect(await textOf(again)).to.equal('Something else.')

        world.llm.reset()
        world.llm.replyOnce({ text: LONG, cutAfter: 7 }).reply('Something else.')
        const careful = clientOf(user, { defaultHeaders: { Prefer: 'whole-turns' } })
        expect(await textOf(await careful.chat.completions.create(body))).to.equal('Something else.')
      })
    })

    describe('an answer of a form', () => {
      const response_format = zodResponseFormat(z.object({ city: z.string() }), 'place')
      const messages = ask('Where is the Colosseum?')

      it('is parsed by the client, whole or streamed, once it was checked, and its history goes on', async () => {
        world.llm.replyOnce('I think it is Rome.').reply('Here:\n```json\n{"city": "Rome"}\n```')
        const asking = { model: 'Uma', messages, response_format }
        const first = await client.chat.completions.parse(asking)
        const { message } = first.choices[0] ?? {}
        expect(message?.parsed).to.deep.equal({ city: 'Rome' })
        expect(world.llm.requests).to.have.length(2)
        expect(world.llm.requests[0]?.body.response_format).to.have.nested.property('json_schema.strict', true)
        const more = [...messages, { role: 'assistant' as const, content: message?.content }, ...ask('Sure?')]
        const stream = client.chat.completions.stream({ ...asking, messages: more })
        expect((await stream.finalChatCompletion()).choices[0]?.message.parsed).to.deep.equal({ city: 'Rome' })
        expect(await newest()).to.have.length(1)
        const { name, schema = {} } = response_format.json_schema
        const text = { format: { type: 'json_schema' as const, name, schema } }
        const response = await client.responses.create({ model: 'Uma', input: 'Where?', text })
        expect(response).to.deep.include({ output_text: '{"city": "Rome"}', text: { format: { type: 'json_object' } } })
        const any = await client.chat.completions.create({ ...asking, response_format: { type: 'json_object' } })
        expect(any.choices[0]?.message.content).to.equal('{"city": "Rome"}')
      })

      it('that is none is an error of its kind, and a party gives none', async () => {
        world.llm.reply('Rome.')
        expect(await failureOf(client.chat.completions.create({ model: 'Uma', messages, response_format })))
          .to.be.instanceOf(OpenAI.UnprocessableEntityError)
          .and.to.include({ code: 'answer.invalid' })
        expect(world.llm.requests).to.have.length(2)
        const model = `party:${await user.create('/api/parties', { name: 'Salon', agentIds, maxTurns: 2 })}`
        expect(await failureOf(client.chat.completions.create({ model, messages, response_format })))
          .to.be.instanceOf(OpenAI.BadRequestError)
          .and.to.include({ param: 'response_format.type' })
      })
    })

    // It is in the rows, wherever the queue is.
    if (profile !== QUEUES[0]) return

    it('is not left hanging behind somebody else who is asked: it is told what is asked before it, and has the answer by the same key', async () => {
      await user.put(`/api/agents/${ada}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
      const hold = world.llm.hold()
      world.llm.reply(answered('So it is.')).reply({ ...asksFor('6 * 7', 'May I?'), hold })
      const first = failureOf(client.chat.completions.create({ model: 'Uma', messages: ask('How much is it?') }))
      await hold.reached
      const [conversation] = await newestOf(user)
      const conversationId = conversation?.id ?? ''
      const headers = { 'Idempotency-Key': randomUUID(), 'X-Conversation-Id': conversationId }
      const request = { model: 'Uma', messages: ask('And then?') }
      const second = failureOf(client.chat.completions.create(request, { headers }))
      await eventually(async () => (await user.messages(conversationId)).length === 2)
      hold.release()
      const [asked, behind] = [Object(await first).error, Object(await second).error]
      expect([asked.code, behind.code]).to.deep.equal(['run.awaits_decision', 'run.awaits_decision'])
      const { approvals } = behind.details
      expect(approvals).to.deep.equal(asked.details.approvals)
      expect(approvals[0]).to.include({ name: 'calculator', wasStarted: false })
      expect(behind.details.runId).not.to.equal(asked.details.runId)
      world.llm.reply({ when: { text: 'And then?' }, text: 'Then tea.' })
      expect((await user.post(`/api/chat/approvals/${approvals[0].id}`, { decision: 'deny' })).status).to.equal(200)
      const { choices } = await client.chat.completions.create(request, { headers })
      expect(choices[0]?.message.content).to.equal('Then tea.')
      const said = (await user.messages(conversationId)).filter(({ role }) => role === 'user')
      expect(said.map(({ content }) => content)).to.deep.equal(['How much is it?', 'And then?'])
    })
  })
}
