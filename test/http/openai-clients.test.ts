import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, type LanguageModel, Output, streamText } from 'ai'
import { expect } from 'chai'
import { z } from 'zod'
import { serverEvent } from '../../src/contract/events.ts'
import type { TestUser } from '../support/api-client.ts'
import { usePartyWorld } from '../workers/party-world.ts'

const LONG = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '.repeat(4).trim()
const USAGE = { inputTokens: 21, outputTokens: 90 }

/** These check every field of every event against schemas of their own. */
describe("Other clients of OpenAI's wire", function () {
  this.timeout(20_000)
  const world = usePartyWorld({ env: { SSE_HEARTBEAT_MS: '50' } })
  let user: TestUser
  let models: Record<string, LanguageModel>

  beforeEach(async () => {
    ;({ user } = await world.guests(['Uma', 'Otto']))
    const settings = { baseURL: `${world.app.url}/v1`, apiKey: user.token }
    models = {
      completions: createOpenAI(settings).chat('Uma'),
      responses: createOpenAI(settings).responses('Uma'),
      compatible: createOpenAICompatible({
        name: 'chatsparty',
        ...settings,
        includeUsage: true,
        supportsStructuredOutputs: true,
      })('Uma'),
    }
  })

  for (const name of ['completions', 'responses', 'compatible']) {
    const modelOf = (): LanguageModel => models[name] ?? ''
    it(`read whole answers and streams, with their usage and end: ${name}`, async () => {
      world.llm.reply({ text: LONG, usage: USAGE })
      const options = { instructions: 'Be brief.', prompt: 'Tea or coffee?', temperature: 0.2, maxOutputTokens: 500 }
      const whole = await generateText({ model: modelOf(), ...options })
      expect(whole.text).to.equal(LONG)
      expect(whole.finishReason).to.equal('stop')
      expect(whole.usage).to.deep.include({ ...USAGE, totalTokens: 111 })
      const stream = streamText({ model: modelOf(), ...options })
      let text = ''
      for await (const delta of stream.textStream) text += delta
      expect(text).to.equal(LONG)
      expect(await stream.finishReason).to.equal('stop')
      expect(await stream.usage).to.deep.include({ ...USAGE, totalTokens: 111 })
    })

    it(`read an object of a schema, whole or as it comes: ${name}`, async () => {
      world.llm.reply('{"city": "Rome"}')
      const asked = {
        model: modelOf(),
        prompt: 'Where?',
        output: Output.object({ schema: z.object({ city: z.string() }) }),
      }
      expect((await generateText(asked)).output).to.deep.equal({ city: 'Rome' })
      expect(await streamText(asked).output).to.deep.equal({ city: 'Rome' })
    })

    it(`go on with what they remember: ${name}`, async () => {
      world.llm.reply('Tea.').replyOnce('Tea, I think.')
      const messages = [{ role: 'user' as const, content: 'Tea or coffee?' }]
      const { text } = await generateText({ model: modelOf(), messages })
      const more = [
        ...messages,
        { role: 'assistant' as const, content: text },
        { role: 'user' as const, content: 'Sure?' },
      ]
      expect((await generateText({ model: modelOf(), messages: more })).text).to.equal('Tea.')
      const answer = await user.get('/api/chat/conversations')
      expect(answer.body).to.have.nested.property('data.length', 1)
    })
  }

  it('a stream that is silent shows that it lives, and its events are none of ours', async () => {
    const hold = world.llm.hold(0)
    world.llm.reply({ text: 'Tea.', hold })
    const answer = await fetch(`${world.app.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'Uma', messages: [{ role: 'user', content: 'Hi' }], stream: true }),
    })
    expect(answer.headers.get('content-type')).to.match(/^text\/event-stream/)
    let text = ''
    for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece
      if (text.startsWith(':')) hold.release()
    }
    const blocks = text.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'))
    expect(blocks.at(-1)).to.equal('data: [DONE]')
    for (const block of blocks.slice(0, -1)) {
      expect(block).to.match(/^data: \{/)
      expect(serverEvent.safeParse(JSON.parse(block.slice(6))).success).to.equal(false)
    }
  })
})
