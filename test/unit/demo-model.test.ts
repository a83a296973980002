import type { LanguageModelV4CallOptions, LanguageModelV4Prompt, LanguageModelV4Usage } from '@ai-sdk/provider'
import { expect } from 'chai'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { DEMO_MODEL_ID, DemoModel } from '../../src/connections/demo/demo-model.ts'
import { readQuestion, readScene } from '../../src/connections/demo/demo-reader.ts'

const PARTY = [
  { name: 'Ada', traits: 'practical, hands-on engineer, likes small steps' },
  { name: 'Blaise', traits: 'sceptical, attentive to risk' },
  { name: 'Clara', traits: 'optimistic visionary, curious' },
]
const QUESTION = 'Should a startup use microservices?'
const user = (text: string): LanguageModelV4Prompt[number] => ({ role: 'user', content: [{ type: 'text', text }] })
const system = ({ name, traits }: { name: string; traits: string }): LanguageModelV4Prompt[number] => ({
  role: 'system',
  content: `You are ${name}, a member of a discussion.\nCharacteristics: ${traits}\nFormality: medium. Humor: low. Verbosity: medium.`,
})

const model = new DemoModel(DEMO_MODEL_ID, { wordsPerMinute: 0 })
async function generate(
  options: LanguageModelV4CallOptions,
): Promise<{ text: string; usage: LanguageModelV4Usage; finish: string }> {
  const { content, usage, finishReason } = await model.doGenerate(options)
  return {
    text: content.map((part) => (part.type === 'text' ? part.text : '')).join(''),
    usage,
    finish: finishReason.unified,
  }
}

/** A party as the product prompts it: others' words as named speakers, one's own as the assistant's. */
async function party(question: string, turns: number): Promise<Array<{ name: string; text: string }>> {
  const said: Array<{ name: string; text: string }> = []
  for (let turn = 0; turn < turns; turn++) {
    const speaker = PARTY[turn % PARTY.length]
    if (!speaker) throw new Error('nobody')
    const prompt: LanguageModelV4Prompt = [
      system(speaker),
      user(question),
      ...said.map(({ name, text }): LanguageModelV4Prompt[number] =>
        name === speaker.name ? { role: 'assistant', content: [{ type: 'text', text }] } : user(`${name}: ${text}`),
      ),
    ]
    said.push({ name: speaker.name, text: (await generate({ prompt })).text })
  }
  return said
}
const sentencesOf = (text: string): string[] => text.match(/[^.!?]+[.!?]+/g)?.map((s) => s.trim()) ?? []

describe('The demo model', () => {
  const prompt = [system({ name: 'Ada', traits: 'practical' }), user(QUESTION)]

  it('holds a party of nine turns that stays on the question, answers each other and never repeats a sentence', async () => {
    for (const question of [QUESTION, 'Is remote work better than office work?', 'How can cities become quieter?']) {
      const said = await party(question, 9)
      const sentences = said.flatMap(({ text }) => sentencesOf(text))
      expect(new Set(sentences).size, said.map((s) => s.text).join('\n')).to.equal(sentences.length)
      for (const [turn, { text }] of said.entries()) {
        expect(sentencesOf(text).length, text).to.be.within(2, 7)
        expect(text).to.not.match(/[{}]|undefined|lorem/i)
        const previous = said[turn - 1]
        if (previous) expect(text).to.include(previous.name)
      }
      const topic = readQuestion(question)?.topic.toLowerCase() ?? ''
      const options = readQuestion(question)?.options ?? [topic]
      const onTopic = said.filter(({ text }) => options.some((option) => text.toLowerCase().includes(option)))
      expect(onTopic.length, topic).to.be.at.least(5)
    }
  })

  it('gives each character its own voice', async () => {
    const openings = await Promise.all(
      PARTY.map(async (who) => (await generate({ prompt: [system(who), user(QUESTION)] })).text),
    )
    expect(new Set(openings).size).to.equal(PARTY.length)
  })

  it('repeats itself exactly for the same prompt, so that a retry does too', async () => {
    expect(await generate({ prompt })).to.deep.equal(await generate({ prompt }))
    expect((await generate({ prompt, seed: 7 })).text).to.not.equal((await generate({ prompt, seed: 8 })).text)
  })

  it('says the same thing anew in other words when its seed is another', async () => {
    const texts = await Promise.all(
      Array.from({ length: 8 }, async (_, run) => {
        const seed = `run ${run}`
        const { content } = await new DemoModel(DEMO_MODEL_ID, { wordsPerMinute: 0, seed }).doGenerate({ prompt })
        return JSON.stringify(content)
      }),
    )
    // Phrases are finite: now and then two runs say the same.
    expect(new Set(texts).size).to.be.at.least(6)
  })

  it('contracts no word at the end of a clause', async () => {
    const wrong = /(?:\b(?:I|you|we|they|it|that|there|who|what|nobody)'(?:s|d|m|ve|ll))(?=\s*(?:[.,;:!?]|$))/i
    let isHeard = false
    for (let seed = 0; seed < 300; seed++) {
      const analyst = system({ name: 'Ada', traits: 'data, evidence, research, logic' })
      const { text } = await generate({ prompt: [analyst, user(QUESTION), user('Clara: Yes, at once!')], seed })
      expect(text).not.to.match(wrong)
      isHeard ||= text.includes('how general it is.')
    }
    expect(isHeard, 'a phrase that ends so was among them').to.equal(true)
  })

  it('streams the same words that it generates, and counts tokens truly', async () => {
    const { text, usage } = await generate({ prompt })
    const { stream } = await model.doStream({ prompt })
    const deltas: string[] = []
    let streamed: LanguageModelV4Usage | undefined
    for await (const part of stream) {
      if (part.type === 'text-delta') deltas.push(part.delta)
      if (part.type === 'finish') streamed = part.usage
    }
    expect(deltas.join('')).to.equal(text)
    expect(deltas.length).to.equal(text.split(' ').length)
    expect(streamed).to.deep.equal(usage)
    expect(usage.outputTokens.total).to.equal(countTokens(text))
    const input = prompt.map((m) => (typeof m.content === 'string' ? m.content : QUESTION)).join('\n')
    expect(usage.inputTokens.total).to.equal(countTokens(input))
  })

  it('keeps to the pace that it is given', async () => {
    const pauseMs = 60_000 / 6_000
    const { stream } = await new DemoModel(DEMO_MODEL_ID, { wordsPerMinute: 6_000 }).doStream({ prompt })
    const start = performance.now()
    let words = 0
    for await (const part of stream) if (part.type === 'text-delta') words++
    expect(performance.now() - start).to.be.at.least((words - 1) * pauseMs - 20)
  })

  it('stops at once when aborted, and does not begin when it already is', async () => {
    const abort = new AbortController()
    const slow = new DemoModel(DEMO_MODEL_ID, { wordsPerMinute: 1 })
    const { stream } = await slow.doStream({ prompt, abortSignal: abort.signal })
    const heard: string[] = []
    const listening = (async () => {
      for await (const part of stream) {
        heard.push(part.type)
        if (part.type === 'text-delta') abort.abort()
      }
    })()
    expect(await listening.catch((error: Error) => error.name)).to.equal('AbortError')
    expect(heard.filter((type) => type === 'text-delta')).to.have.length(1)
    expect(await slow.doStream({ prompt, abortSignal: abort.signal }).catch((e: Error) => e.name)).to.equal(
      'AbortError',
    )
  })

  it('keeps to maxOutputTokens and to stop sequences', async () => {
    const cut = await generate({ prompt, maxOutputTokens: 5 })
    expect(cut.finish).to.equal('length')
    expect(cut.usage.outputTokens.total).to.equal(5)
    const full = await generate({ prompt })
    expect(full.finish).to.equal('stop')
    const first = full.text.split(' ')[3] ?? ''
    expect((await generate({ prompt, stopSequences: [first] })).text).to.equal(
      full.text.slice(0, full.text.indexOf(first)),
    )
  })

  it('answers a schema with a value that fits, and lets somebody else speak next', async () => {
    const responseFormat: LanguageModelV4CallOptions['responseFormat'] = {
      type: 'json',
      schema: {
        type: 'object',
        properties: {
          next: { type: 'string', enum: ['Ada', 'Blaise', 'Clara'] },
          done: { type: 'boolean' },
          reason: { type: 'string' },
          nested: { anyOf: [{ type: 'null' }, { type: 'array', items: { type: 'integer', minimum: 1 } }] },
        },
      },
    }
    const { text } = await generate({
      prompt: [system({ name: 'Chair', traits: '' }), user(QUESTION), user('Ada: Yes.')],
      responseFormat,
    })
    const value: unknown = JSON.parse(text)
    expect(value).to.have.property('next').that.is.oneOf(['Blaise', 'Clara'])
    expect(value).to.deep.include({ done: false, nested: [1] })
  })

  it('is honest about itself', async () => {
    const { text } = await generate({
      prompt: [system({ name: 'Ada', traits: '' }), user('Who are you really, are you a real person?')],
    })
    expect(text).to.include('demo model').and.include('Ada')
  })

  it('has an answer to anything', async () => {
    for (const words of [
      'hi',
      'why?',
      '?',
      '...',
      'Что лучше: чай или кофе?',
      '<|endoftext|>',
      'x'.repeat(5_000),
      '```js\nlet a: b\n```',
      '',
    ]) {
      const { text, usage } = await generate({ prompt: [user(words)] })
      expect(text, words).to.have.length.above(10)
      expect(usage.inputTokens.total, words).to.be.a('number')
    }
  })

  it('takes up a new question that the user throws in', async () => {
    const prompt = [
      system({ name: 'Ada', traits: 'practical' }),
      user(QUESTION),
      user('Clara: Yes!'),
      user('Should schools ban phones?'),
    ]
    expect((await generate({ prompt })).text).to.include('phones')
  })

  it('understands who said what, in the ways that transcripts are written', () => {
    const transcript = [
      'Ada: First.\nStill Ada.',
      '[Blaise] Second.',
      '**Clara:** Third.',
      'User: Fourth?',
      '(It is your turn, Ada.)',
    ]
    const scene = readScene([system({ name: 'Ada', traits: '' }), user(transcript.join('\n'))])
    expect(scene.name).to.equal('Ada')
    expect(scene.transcript).to.deep.equal([
      { speaker: 'Ada', own: true, text: 'First.\nStill Ada.' },
      { speaker: 'Blaise', own: false, text: 'Second.' },
      { speaker: 'Clara', own: false, text: 'Third.' },
      { speaker: null, own: false, text: 'Fourth?' },
    ])
  })

  it('does not take a label for a speaker, nor the others\u2019 descriptions for its own', () => {
    const room =
      'You are Ada.\nYour character: practical.\nYou take part in a conversation with:\n- Blaise: a sceptic, full of doubt'
    const scene = readScene([
      { role: 'system', content: room },
      user('User: Pros and cons of tea?\nBackground: I like it.'),
    ])
    expect(scene.transcript).to.have.length(1)
    expect(scene.character).to.not.include('sceptic')
    expect(readScene([user('Debate: universal basic income')]).transcript[0]?.speaker).to.equal(null)
  })

  it('finds what a question is about', () => {
    const topics: Record<string, string> = {
      'Should a startup use microservices?': 'microservices',
      'Is a four-day work week good for small companies?': 'a four-day work week',
      'What is the best way to learn Spanish?': 'Spanish',
      'How should we organise our team offsite in Lisbon?': 'your team offsite',
      'Do you think AI will replace programmers?': 'programmers',
      'Rust or Go for our new backend?': 'Rust',
      'I want to start a podcast. Any ideas?': 'a podcast',
      'Should tipping be abolished?': 'tipping',
      'Tell me about the history of bicycles.': 'the history of bicycles',
    }
    expect(Object.fromEntries(Object.keys(topics).map((q) => [q, readQuestion(q)?.topic]))).to.deep.equal(topics)
  })

  it('uses the tools that are offered and asked for, once, and says what they said', async () => {
    const tools = ['calculator', 'current_time'].map((name) => ({
      type: 'function' as const,
      name,
      inputSchema: { type: 'object' as const },
    }))
    const asked = [system({ name: 'Ada', traits: 'practical' }), user('User: How much is 17 * 23?')]
    const call = { type: 'tool-call' as const, toolCallId: 'call_0', toolName: 'calculator' }
    const first = await new DemoModel().doGenerate({ prompt: asked, tools })
    expect(first.content).to.deep.equal([{ ...call, input: '{"expression":"17 * 23"}' }])
    const output = { type: 'text' as const, value: '<result>\n391\n</result>' }
    const prompt = [
      ...asked,
      { role: 'assistant' as const, content: [{ ...call, input: {} }] },
      { role: 'tool' as const, content: [{ ...call, type: 'tool-result' as const, output }] },
    ]
    expect((await new DemoModel().doGenerate({ prompt, tools })).content).to.deep.equal([
      { type: 'text', text: 'The calculator says: 391' },
    ])
    const none = await new DemoModel().doGenerate({ prompt: asked, tools, toolChoice: { type: 'none' } })
    expect(none.content[0]?.type).to.equal('text')
  })
})
