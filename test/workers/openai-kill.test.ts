import { expect } from 'chai'
import OpenAI from 'openai'
import type { TestUser } from '../support/api-client.ts'
import { useCluster } from '../support/cluster.ts'
import { speakerOf } from './party-world.ts'

const LONG = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '.repeat(6).trim()

describe("OpenAI's client while its party's worker is killed", function () {
  this.timeout(90_000)
  const at = useCluster({ webs: 2, workers: 1 })
  let user: TestUser

  beforeEach(async () => {
    at.llm.reset()
    user = await at.cluster.api().register()
    await Promise.all(['Uma', 'Otto'].map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })))
  })

  const clientOf = (web: number, prefer?: string) =>
    new OpenAI({
      baseURL: `${at.cluster.web(web).url}/v1`,
      apiKey: user.token,
      maxRetries: 0,
      defaultHeaders: { ...(prefer && { prefer }) },
    })
  const messages = [{ role: 'user' as const, content: 'Tea or coffee?' }]
  const kept = async (conversationId: string) => (await user.messages(conversationId)).at(-1)?.content
  const killedOnce = async (hold: { reached: Promise<unknown> }) => {
    await hold.reached
    await at.cluster.worker(0).restart('SIGKILL')
  }

  it('a stream of words goes on: what the client has is what the conversation has', async () => {
    const hold = at.llm.hold(6)
    at.llm.replyOnce({ text: LONG, hold }).reply(LONG)
    const { data: stream, response } = await clientOf(0)
      .chat.completions.create({ model: 'Uma', messages, stream: true })
      .withResponse()
    let text = ''
    let killing: Promise<unknown> | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      // Words of the attempt that is killed are on the client's screen.
      if (text !== '') killing ??= killedOnce(hold)
    }
    await killing
    expect(text).to.equal(LONG)
    expect(text).to.equal(await kept(response.headers.get('x-conversation-id') ?? ''))
    const run = await user.run(response.headers.get('x-run-id') ?? '')
    expect(run.turns.map(({ attempt }) => attempt)).to.deep.equal([2])
  })

  it('whole turns, and responses, have what is kept, also where the second attempt says something else', async () => {
    for (const kind of ['completion', 'response'] as const) {
      at.llm.reset()
      const hold = at.llm.hold(6)
      at.llm.replyOnce({ text: LONG, hold }).reply({ text: (request) => `Something else by ${speakerOf(request)}.` })
      const killing = killedOnce(hold)
      if (kind === 'completion') {
        const { data: stream, response } = await clientOf(1, 'whole-turns')
          .chat.completions.create({ model: 'Uma', messages, stream: true })
          .withResponse()
        let text = ''
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
        expect(text).to.equal('Something else by Uma.')
        expect(text).to.equal(await kept(response.headers.get('x-conversation-id') ?? ''))
      } else {
        const final = await clientOf(1).responses.stream({ model: 'Uma', input: 'Tea or coffee?' }).finalResponse()
        expect(final.output_text).to.equal('Something else by Uma.')
        expect(final.output_text).to.equal(await kept(final.conversation?.id ?? ''))
      }
      await killing
    }
  })

  it('a response in the background is read on at another server, from the number that the dead one left', async () => {
    const hold = at.llm.hold(6)
    at.llm.reply({ text: LONG, hold })
    const begun = await clientOf(0).responses.create({ model: 'Uma', input: 'Tea or coffee?', background: true })
    await hold.reached
    let [seen, last] = ['', 0]
    for await (const event of await clientOf(0).responses.retrieve(begun.id, { stream: true })) {
      last = event.sequence_number
      if (event.type === 'response.output_text.delta') seen += event.delta
      if (seen !== '') break
    }
    await at.cluster.web(0).kill()
    hold.release()
    const rest = await clientOf(1).responses.retrieve(begun.id, { stream: true, starting_after: last })
    for await (const event of rest) if (event.type === 'response.output_text.delta') seen += event.delta
    expect(seen).to.equal(LONG)
    await at.cluster.web(0).start()
  })
})
