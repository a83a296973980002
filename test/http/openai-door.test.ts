import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import type { TestUser } from '../support/api-client.ts'
import { BAD_KEY } from '../support/mock-llm.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { answered, asksFor, by, speakerOf, turnsCompleted, usePartyWorld } from '../workers/party-world.ts'

const LONG = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '.repeat(4).trim()
const MOST_STREAMS = 3
const USAGE = { inputTokens: 21, outputTokens: 90 }
const jsonSchema = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'place', schema } })

for (const profile of QUEUES) {
  describe(`OpenAI's own client, unchanged, queue on ${profile}`, function () {
    this.timeout(40_000)
    const redis = useRedis(profile)
    const world = usePartyWorld(async () => ({
      env: { ...redis.env, TURN_MAX_ATTEMPTS: '3', USER_SOCKETS: String(MOST_STREAMS) },
    }))
    let user: TestUser
    let client: OpenAI
    let agentIds: string[]
    let [ada, blaise] = ['', '']
    const clientOf = ({ token }: { token: string }, options: ConstructorParameters<typeof OpenAI>[0] = {}) =>
      new OpenAI({ baseURL: `${world.app.url}/v1`, apiKey: token, ...options })

    beforeEach(async () => {
      const guests = await world.guests(['Uma', 'Otto'])
      user = guests.user
      agentIds = guests.agentIds
      ;[ada = '', blaise = ''] = agentIds
      client = clientOf(user)
    })

    const ask = (content: string) => [{ role: 'user' as const, content }]
    const spoken = async (conversationId: string) =>
      (await user.messages(conversationId)).map(({ role, agentName, content }) => [role, agentName, content])
    const newest = async () => {
      const list = z.object({ data: z.array(z.object({ id: z.string() })) })
      return list.parse((await user.get('/api/chat/conversations')).body).data
    }
    const textOf = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>, onText = () => {}) => {
      let text = ''
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        if (text !== '') onText()
      }
      return text
    }
    /** A provider that breaks off once the client has words of it, and then says this. */
    const breaksOff = (then: string) => {
      const hold = world.llm.hold(5)
      world.llm.replyOnce({ text: LONG, hold, cutAfter: 7 }).reply(then)
      return () => hold.release()
    }
    const failureOf = (asking: Promise<unknown>) =>
      asking.then(
        () => undefined,
        (error: unknown) => error,
      )

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

    describe('a saved party', () => {
      const party = (fields: object = {}) =>
        user.create('/api/parties', { name: 'Salon', agentIds, maxTurns: 2, ...fields })

      it('is a model; its speakers are named in front of their words, and known by them again', async () => {
        const id = await party()
        world.llm.reply({ text: (request) => `I am ${speakerOf(request)}.` })
        const messages = ask('Who are you?')
        const { data: stream, response } = await client.chat.completions
          .create({ model: 'Salon', messages, stream: true })
          .withResponse()
        const text = await textOf(stream)
        expect(text).to.equal('Uma: I am Uma.\n\nOtto: I am Otto.')
        expect(await spoken(response.headers.get('x-conversation-id') ?? '')).to.deep.equal([
          ['user', null, 'Who are you?'],
          ['agent', 'Uma', 'I am Uma.'],
          ['agent', 'Otto', 'I am Otto.'],
        ])
        const history = [...messages, { role: 'assistant' as const, content: `${text}\n\nReally.` }, ...ask('And now?')]
        const again = await client.chat.completions.create({ model: `party:${id}`, messages: history }).withResponse()
        expect((await spoken(again.response.headers.get('x-conversation-id') ?? '')).slice(0, 4)).to.deep.equal([
          ['user', null, 'Who are you?'],
          ['agent', 'Uma', 'I am Uma.'],
          ['agent', 'Otto', 'I am Otto.\n\nReally.'],
          ['user', null, 'And now?'],
        ])
        expect((await client.models.list()).data.map(({ id }) => id)).to.include('Salon')
      })

      it('that is a panel has its turns one behind the other, whoever is quicker', async () => {
        await party({ strategy: 'panel', maxTurns: 3 })
        const hold = world.llm.hold(1)
        world.llm.reply({ text: 'They agree.' })
        world.llm.reply({ when: by('Otto'), times: 1, text: 'Otto says so.' })
        world.llm.reply({ when: by('Uma'), times: 1, text: 'Uma says so, at length.', hold })
        const response = await client.responses.create({ model: 'Salon', input: 'Is it safe?', background: true })
        const runId = response.id.slice('resp_'.length)
        await turnsCompleted(
          world.app.container.feed,
          user,
          { runId, conversationId: response.conversation?.id ?? '' },
          1,
        )
        const stream = await client.responses.retrieve(response.id, { stream: true })
        const done: string[] = []
        for await (const event of stream) {
          if (event.type === 'response.output_text.delta') hold.release()
          if (event.type === 'response.output_text.done') done.push(event.text)
        }
        expect(done).to.deep.equal(['Uma: Uma says so, at length.', 'Otto: Otto says so.', 'Uma: They agree.'])
        const kept = await client.responses.retrieve(response.id)
        expect(kept.output.map((item) => item.type === 'message' && item.content[0])).to.deep.equal(
          done.map((text) => ({ type: 'output_text', text, annotations: [], logprobs: [] })),
        )
      })

      it('says who of it is gone', async () => {
        await party()
        await user.delete(`/api/agents/${blaise}`)
        const failure = await failureOf(client.chat.completions.create({ model: 'Salon', messages: ask('Hi') }))
        expect(failure).to.be.instanceOf(OpenAI.ConflictError).and.to.deep.include({ code: 'party.agents_gone' })
      })
    })

    it('comes in with an API key, as far as that goes: its scope, its budget, its end', async () => {
      const hold = world.llm.hold(3)
      world.llm.reply('Tea.').replyOnce({ text: LONG, hold })
      const body = { model: 'Uma', messages: ask('Hi') }
      const { id, key } = await user.apiKey()
      const stream = await clientOf({ token: key }).chat.completions.create({ ...body, stream: true })
      await hold.reached
      expect((await user.delete(`/api/keys/${id}`)).status).to.equal(204)
      expect(await failureOf(textOf(stream))).to.include({ code: 'invalid_api_key' })
      hold.release()
      expect(await failureOf(clientOf({ token: key }).models.list())).to.be.instanceOf(OpenAI.AuthenticationError)

      const reader = clientOf({ token: (await user.apiKey({ scopes: ['read'] })).key })
      expect((await reader.models.list()).data.map((model) => model.id)).to.include('Uma')
      expect(await failureOf(reader.chat.completions.create(body)))
        .to.be.instanceOf(OpenAI.PermissionDeniedError)
        .and.to.include({ code: 'key.scope' })

      const small = clientOf({ token: (await user.apiKey({ monthlyCredits: '0.000001' })).key })
      expect(await failureOf(small.chat.completions.create(body)))
        .to.be.instanceOf(OpenAI.RateLimitError)
        .and.to.include({ code: 'insufficient_quota' })
    })

    it('is told when its conversation is deleted while somebody speaks', async () => {
      const hold = world.llm.hold(5)
      world.llm.reply({ text: LONG, hold })
      const body = { model: 'Uma', messages: ask('Hi') }
      const waiting = failureOf(client.chat.completions.create(body))
      await hold.reached
      const stream = await client.chat.completions.create({ ...body, stream: true })
      for (const { id } of await newest()) await user.delete(`/api/chat/conversations/${id}`)
      expect(await waiting).to.be.instanceOf(OpenAI.NotFoundError)
      expect(await failureOf(textOf(stream))).to.include({ code: 'conversation.not_found' })
    })

    it('is told that its session ended, and how many answers it may wait for at once', async () => {
      const hold = world.llm.hold(3)
      world.llm.reply({ text: LONG, hold })
      const body = { model: 'Uma', messages: ask('Hi'), stream: true } as const
      const open = await Promise.all(Array.from({ length: MOST_STREAMS }, () => client.chat.completions.create(body)))
      const failure = await failureOf(clientOf(user, { maxRetries: 0 }).chat.completions.create(body))
      expect(failure).to.be.instanceOf(OpenAI.RateLimitError).and.to.deep.include({ code: 'rate_limit_exceeded' })
      const runs = z.object({ data: z.array(z.object({ activeRun: z.object({ id: z.string() }) })) })
      const { data } = runs.parse((await user.get('/api/chat/conversations')).body)
      expect(data, 'nothing was begun for it').to.have.length(MOST_STREAMS)
      const again = await world.app.api.login(user.email, 'correct horse battery')
      await user.post('/api/auth/logout', undefined)
      for (const stream of open) {
        const failed = await failureOf(textOf(stream))
        expect(failed).to.be.instanceOf(OpenAI.APIError).and.to.include({ code: 'invalid_api_key' })
      }
      hold.release()
      for (const { activeRun } of data) expect((await again.finished(activeRun.id)).status).to.equal('completed')
    })

    describe('errors', () => {
      const create = (body: object, as = client) =>
        failureOf(as.post('/chat/completions', { body: { messages: ask('Hi'), model: 'Uma', ...body } }))

      it('are of the classes that the client has for them, and are not tried again in vain', async () => {
        const stranger = clientOf({ token: 'abc' })
        expect(await create({}, stranger))
          .to.be.instanceOf(OpenAI.AuthenticationError)
          .and.to.deep.include({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' })
        expect(await create({ model: 'Nobody' }))
          .to.be.instanceOf(OpenAI.NotFoundError)
          .and.to.deep.include({ code: 'model_not_found' })
        expect(await create({ model: `agent:${agentIds[0]?.replace(/^./, 'f')}` })).to.be.instanceOf(
          OpenAI.NotFoundError,
        )
        expect(await create({ messages: [] }))
          .to.be.instanceOf(OpenAI.BadRequestError)
          .and.to.deep.include({ param: 'messages' })
        await user.create('/api/agents', { name: 'Uma', instructions: 'You are another one.' })
        const ambiguous = await create({})
        expect(ambiguous).to.be.instanceOf(OpenAI.BadRequestError).and.to.deep.include({ code: 'model.ambiguous' })
        expect(String(ambiguous)).to.include(`agent:${ada}`)
        expect(world.llm.requests).to.have.length(0)
        expect(await newest()).to.have.length(0)
      })

      it('name what cannot be done here, and pass over what only tunes', async () => {
        world.llm.reply('Yes.')
        const tool = { type: 'function', function: { name: 'f', parameters: {} } }
        const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
        const refused: Array<[object, string]> = [
          [{ n: 2 }, 'n'],
          [{ tools: [tool] }, 'tools'],
          [{ functions: [tool.function] }, 'functions'],
          [{ response_format: { type: 'grammar' } }, 'response_format.type'],
          [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema.schema'],
          [{ response_format: jsonSchema({ type: 'array' }) }, 'response_format.json_schema.schema.type'],
          [
            { response_format: jsonSchema({ type: 'object', not: { type: 'string' } }) },
            'response_format.json_schema.schema',
          ],
          [{ modalities: ['text', 'audio'] }, 'modalities.1'],
          [{ logprobs: true }, 'logprobs'],
          [
            { messages: [{ role: 'user', content: [{ type: 'text', text: 'See' }, image] }] },
            'messages.0.content.1.type',
          ],
          [{ messages: [...ask('Hi'), { role: 'tool', content: 'x', tool_call_id: 'y' }] }, 'messages.1.role'],
          [{ messages: [...ask('Hi'), { role: 'assistant', content: 'x' }] }, 'messages'],
        ]
        for (const [body, param] of refused) {
          const failure = await create(body)
          expect(failure, param).to.be.instanceOf(OpenAI.BadRequestError).and.to.deep.include({ param })
        }
        const tuned = {
          n: 1,
          tools: [],
          logprobs: false,
          response_format: { type: 'text' },
          stop: ['x'],
          unheard_of: {},
        }
        expect(await create({ ...tuned, max_tokens: 5, stream: null, logit_bias: {} })).to.equal(undefined)
      })

      it('of a run that fails are told with a status, also where a stream was asked for', async () => {
        const bad = { provider: 'openai-compatible', baseUrl: world.llm.baseUrl('openai-compatible'), apiKey: BAD_KEY }
        await user.agentsOn(bad, ['Ines'])
        for (const stream of [true, false]) {
          const failure = await create({ model: 'Ines', stream })
          expect(failure).to.be.instanceOf(OpenAI.InternalServerError)
          expect(failure).to.deep.include({ status: 502, code: 'provider.unauthorized', type: 'server_error' })
        }
        expect(await newest(), 'each was tried once').to.have.length(2)
      })

      it('say that there is no money left as that wire does', async () => {
        const poor = await world.app.api.register()
        const { ledgerService, transactions } = world.app.container
        const all = { kind: 'adjustment' as const, amount: -10_000_000_000n, key: randomUUID(), description: 'Test' }
        await transactions.run((tx) => ledgerService.give({ userId: poor.id, ...all }, tx))
        const failure = await create({ model: 'agent:01990000-0000-7000-8000-0000000000a1' }, clientOf(poor))
        expect(failure).to.be.instanceOf(OpenAI.RateLimitError).and.to.deep.include({ code: 'insufficient_quota' })
      })

      it('of another user s things are those of what is not there', async () => {
        world.llm.reply('Tea.')
        const { response } = await client.chat.completions.create({ model: 'Uma', messages: ask('Hi') }).withResponse()
        const stranger = clientOf(await world.app.api.register())
        const headers = { 'X-Conversation-Id': response.headers.get('x-conversation-id') ?? '' }
        const body = { model: 'Ada', messages: ask('Hi') }
        expect(await failureOf(stranger.chat.completions.create(body, { headers }))).to.be.instanceOf(
          OpenAI.NotFoundError,
        )
        expect(await create({ model: `agent:${blaise}` }, stranger)).to.be.instanceOf(OpenAI.NotFoundError)
      })
    })

    describe('models', () => {
      it('are what one may talk with, by the name that requests take', async () => {
        const listed = (await client.models.list()).data.map(({ id }) => id)
        expect(listed).to.include.members(['Uma', 'Otto', 'Ada'])
        expect(await client.models.retrieve('Uma')).to.deep.include({ id: 'Uma', object: 'model', owned_by: 'you' })
        const other = await user.create('/api/agents', { name: 'Uma', instructions: 'You are another one.' })
        const clear = (await client.models.list()).data.map(({ id }) => id)
        expect(clear)
          .to.include.members([`agent:${ada}`, `agent:${other}`])
          .and.not.to.include('Uma')
        expect(await client.models.retrieve(`agent:${ada}`)).to.deep.include({ id: `agent:${ada}` })
        expect(await failureOf(client.models.retrieve('Nobody'))).to.be.instanceOf(OpenAI.NotFoundError)
      })
    })

    describe('responses', () => {
      it('answer, are kept, and go on with the next', async () => {
        world.llm.reply({ text: LONG, usage: USAGE })
        const first = await client.responses.create({
          model: 'Uma',
          input: 'Tea or coffee?',
          instructions: 'Be brief.',
          metadata: { place: 'kitchen' },
        })
        expect(first.output_text).to.equal(LONG)
        expect(first).to.deep.include({ object: 'response', status: 'completed', model: 'Uma', error: null })
        expect(first.metadata).to.deep.equal({ place: 'kitchen' })
        expect(first.usage).to.deep.include({ input_tokens: 21, output_tokens: 90, total_tokens: 111 })
        const { output_text: _, ...kept } = first
        const { output_text: __, ...read } = await client.responses.retrieve(first.id)
        expect(read).to.deep.equal(kept)

        const second = await client.responses.create({
          model: 'Uma',
          input: [{ role: 'user', content: [{ type: 'input_text', text: 'Why?' }] }],
          previous_response_id: first.id,
        })
        expect(second.previous_response_id).to.equal(first.id)
        expect(second.conversation).to.deep.equal(first.conversation)
        const third = await client.responses.create({
          model: 'Otto',
          input: 'And you?',
          conversation: first.conversation?.id ?? '',
        })
        const lines = await spoken(third.conversation?.id ?? '')
        expect(lines.map(([role, name, content]) => [role, name, content === LONG ? 'LONG' : content])).to.deep.equal([
          ['system', null, 'Be brief.'],
          ['user', null, 'Tea or coffee?'],
          ['agent', 'Uma', 'LONG'],
          ['user', null, 'Why?'],
          ['agent', 'Uma', 'LONG'],
          ['user', null, 'And you?'],
          ['agent', 'Otto', 'LONG'],
        ])
        const unknown = client.responses.create({ model: 'Uma', input: 'Hi', previous_response_id: 'resp_none' })
        expect(await failureOf(unknown)).to.be.instanceOf(OpenAI.NotFoundError)
      })

      it('stream their typed events in order, which the helper of the client puts together', async () => {
        world.llm.reply({ text: LONG, usage: USAGE })
        const types: string[] = []
        const numbers: number[] = []
        const runner = client.responses.stream({ model: 'Uma', input: 'Tea or coffee?' })
        for await (const event of runner) {
          if (event.type !== types.at(-1)) types.push(event.type)
          numbers.push(event.sequence_number)
        }
        expect(types).to.deep.equal([
          'response.created',
          'response.in_progress',
          'response.output_item.added',
          'response.content_part.added',
          'response.output_text.delta',
          'response.output_text.done',
          'response.content_part.done',
          'response.output_item.done',
          'response.completed',
        ])
        expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b))
        const final = await runner.finalResponse()
        expect(final.output_text).to.equal(LONG)
        expect(final.usage).to.deep.include({ total_tokens: 111 })
      })

      it('run in the background, are looked at, and read again from any place on', async () => {
        const hold = world.llm.hold(3)
        world.llm.reply({ text: LONG, hold })
        const begun = await client.responses.create({ model: 'Uma', input: 'Tea or coffee?', background: true })
        expect(begun).to.deep.include({ background: true, output: [] })
        expect(['queued', 'in_progress']).to.include(begun.status)
        await hold.reached
        expect(await client.responses.retrieve(begun.id)).to.deep.include({ status: 'in_progress' })

        const stream = await client.responses.retrieve(begun.id, { stream: true })
        let seen = ''
        let last = 0
        for await (const event of stream) {
          last = event.sequence_number
          if (event.type !== 'response.output_text.delta') continue
          seen += event.delta
          break
        }
        hold.release()
        const rest = await client.responses.retrieve(begun.id, { stream: true, starting_after: last })
        const types: string[] = []
        for await (const event of rest) {
          types.push(event.type)
          expect(event.sequence_number).to.be.greaterThan(last)
          if (event.type === 'response.output_text.delta') seen += event.delta
        }
        expect(seen).to.equal(LONG)
        expect(types).not.to.include('response.created')
        expect(types.at(-1)).to.equal('response.completed')
        const whole = await client.responses.stream({ response_id: begun.id }).finalResponse()
        expect(whole.output_text).to.equal(LONG)
        expect((await client.responses.retrieve(begun.id)).output_text).to.equal(LONG)
      })

      it('are stopped: the provider hears of it, and what was said stays', async () => {
        const hold = world.llm.hold(3)
        world.llm.reply({ text: LONG, hold })
        const begun = await client.responses.create({ model: 'Uma', input: 'Tea or coffee?', background: true })
        const request = await hold.reached
        const stream = await client.responses.retrieve(begun.id, { stream: true })
        const iterator = stream[Symbol.asyncIterator]()
        for (let event = await iterator.next(); event.value?.type !== 'response.output_text.delta'; )
          event = await iterator.next()
        const stopped = await client.responses.cancel(begun.id)
        expect(stopped).to.deep.include({ status: 'cancelled' })
        expect(await request.ended).to.equal('aborted')
        let last: OpenAI.Responses.ResponseStreamEvent | undefined
        for (let event = await iterator.next(); !event.done; event = await iterator.next()) last = event.value
        if (last?.type !== 'response.incomplete') throw new Error(`it ended with ${last?.type}`)
        expect(last.response.status).to.equal('cancelled')
        const kept = await client.responses.retrieve(begun.id)
        expect(kept.output_text).to.have.length.greaterThan(0)
        expect(LONG.startsWith(kept.output_text)).to.equal(true)
        expect(await client.responses.cancel(begun.id)).to.deep.include({ status: 'cancelled' })
      })

      it('end an item that an agent began anew, and have what is kept', async () => {
        const goOn = breaksOff('Something else.')
        const runner = client.responses.stream({ model: 'Uma', input: 'Tea or coffee?' })
        const ended: Array<string | null | undefined> = []
        for await (const event of runner) {
          if (event.type === 'response.output_text.delta') goOn()
          if (event.type === 'response.output_item.done' && event.item.type === 'message') ended.push(event.item.status)
        }
        expect(ended).to.deep.equal(['incomplete', 'completed'])
        expect((await runner.finalResponse()).output_text).to.equal('Something else.')
      })

      it('of a run that failed say so, where they were looked at later and where they were awaited', async () => {
        const bad = { provider: 'openai-compatible', baseUrl: world.llm.baseUrl('openai-compatible'), apiKey: BAD_KEY }
        await user.agentsOn(bad, ['Ines'])
        const failure = await failureOf(client.responses.create({ model: 'Ines', input: 'Hi' }))
        expect(failure).to.be.instanceOf(OpenAI.InternalServerError)
        const begun = await client.responses.create({ model: 'Ines', input: 'Hi', background: true })
        const runId = begun.id.slice('resp_'.length)
        await user.finished(runId)
        const failed = await client.responses.retrieve(begun.id)
        expect(failed).to.deep.include({ status: 'failed', output: [] })
        expect(failed.error).to.deep.include({ code: 'server_error' })
        const types: string[] = []
        for await (const { type } of await client.responses.retrieve(begun.id, { stream: true })) types.push(type)
        expect(types.at(-1)).to.equal('response.failed')
      })

      it('are nobody else s', async () => {
        world.llm.reply('Tea.')
        const { id } = await client.responses.create({ model: 'Uma', input: 'Hi' })
        const stranger = clientOf(await world.app.api.register())
        const body = { model: 'Ada', input: 'Hi', previous_response_id: id }
        for (const asking of [
          () => stranger.responses.retrieve(id),
          () => stranger.responses.cancel(id),
          () => stranger.responses.create(body),
          () => stranger.responses.retrieve(id, { stream: true }),
        ]) {
          expect(await failureOf(asking())).to.be.instanceOf(OpenAI.NotFoundError)
        }
      })
    })
  })
}
