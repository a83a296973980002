import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import OpenAI from 'openai'
import { z } from 'zod'
import type { TestUser } from '../support/api-client.ts'
import { BAD_KEY } from '../support/mock-llm.ts'
import { QUEUES } from '../support/redis.ts'
import { by, speakerOf, turnsCompleted } from '../workers/party-world.ts'
import { ask, failureOf, LONG, MOST_STREAMS, newestOf, spokenTo, textOf, useOpenAi } from './openai-world.ts'

const jsonSchema = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'place', schema } })

for (const profile of QUEUES) {
  describe(`OpenAI's own client, unchanged, queue on ${profile}`, function () {
    this.timeout(40_000)
    const { world, clientOf, enter } = useOpenAi(profile)
    let user: TestUser
    let client: OpenAI
    let agentIds: string[]
    let ada: string
    let blaise: string

    beforeEach(async () => {
      ;({ user, client, agentIds, ada, blaise } = await enter())
    })

    const spoken = (conversationId: string) => spokenTo(user, conversationId)
    const newest = () => newestOf(user)

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
  })
}
