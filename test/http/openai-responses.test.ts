import { expect } from 'chai'
import OpenAI from 'openai'
import type { TestUser } from '../support/api-client.ts'
import { BAD_KEY } from '../support/mock-llm.ts'
import { QUEUES } from '../support/redis.ts'
import { failureOf, LONG, spokenTo, USAGE, useOpenAi } from './openai-world.ts'

for (const profile of QUEUES) {
  describe(`Responses of OpenAI's own client, unchanged, queue on ${profile}`, function () {
    this.timeout(40_000)
    const { world, clientOf, enter } = useOpenAi(profile)
    let user: TestUser
    let client: OpenAI

    beforeEach(async () => {
      ;({ user, client } = await enter())
    })

    /** A provider that breaks off once the client has words of it, and then says this. */
    const breaksOff = (then: string) => {
      const hold = world.llm.hold(5)
      world.llm.replyOnce({ text: LONG, hold, cutAfter: 7 }).reply(then)
      return () => hold.release()
    }
    const spoken = (conversationId: string) => spokenTo(user, conversationId)

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
