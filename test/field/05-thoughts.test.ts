import { expect } from 'chai'
import fc from 'fast-check'
import { ThoughtFilter, withoutThoughts } from '../../src/connections/dialects/thoughts.ts'
import { chargedUsage, useField } from './field-world.ts'
import { C, D, E, F, good, U } from './wires.ts'

const stream = (...texts: string[]) => `${texts.map((text) => C(text)).join('')}${F('stop')}${U}${D}`

describe('Field 5: thoughts are never shown, stored or sent on', function () {
  this.timeout(30_000)
  const field = useField()

  const CASES: Array<[what: string, texts: string[], answer: string]> = [
    [
      'in one delta, and the name behind them',
      ['<think>\nOtto is naive.\n</think>\n\nAda: I like tea.'],
      'I like tea.',
    ],
    [
      'in many deltas, the tags cut',
      ['<th', 'ink>\nOtto is', ' naive.\n</', 'think', '>\n\n', 'I like tea.'],
      'I like tea.',
    ],
    ['sign by sign', [...'<think>Hm.</think>I like tea.'], 'I like tea.'],
    ['after white space', ['\n\n  <think>Hm.</think>\nI like tea.'], 'I like tea.'],
    ['empty', ['<think>\n\n</think>\n\nI like tea.'], 'I like tea.'],
    ['in capitals', ['<THINK>Hm.</THINK>I like tea.'], 'I like tea.'],
    ['in other tags', ['<thinking>Hm.</thinking>I like tea.'], 'I like tea.'],
    ["in Magistral's", ['[THINK]Hm.[/THINK]I like tea.'], 'I like tea.'],
    ["in Kimi's", ['◁think▷Hm.◁/think▷I like tea.'], 'I like tea.'],
    [
      "in gpt-oss's",
      ['<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>I like tea.'],
      'I like tea.',
    ],
    ['two blocks of them', ['<think>Hm.</think>\n<think>Yes.</think>\nI like tea.'], 'I like tea.'],
    ['with a tag within them', ['<think>What is <b> for?</think>I like tea.'], 'I like tea.'],
    ['where only the closing tag comes', ['Otto is naive.\n</think>\n\nI like tea.'], 'I like tea.'],
    [
      'where only the closing tag comes, cut, and the name behind it',
      ['Otto is naive.\n</th', 'ink>\n\nAda: I like tea.'],
      'I like tea.',
    ],
  ]
  for (const [what, texts, answer] of CASES) {
    it(`thoughts ${what}`, async () => {
      const outcome = await field.ask(() => stream(...texts))
      expect(outcome.answer).to.equal(answer)
      expect(outcome.requests).to.have.length(1)
    })
  }

  for (const text of [
    'I like <think> as a tag, and </think> as its end.',
    'Write `</think>` to close it.',
    'A < b, and <thin> is no tag.',
    'The tag "</think>" closes.',
  ]) {
    it(`a tag in the middle stays: ${text}`, async () => {
      expect((await field.ask(() => stream(text))).answer).to.equal(text)
    })
  }

  it('a pass behind thoughts is a pass', async () => {
    const outcome = await field.party(({ n }) => stream(n === 0 ? '<think>x</think>[pass]' : 'Coffee.'))
    expect(outcome.said).to.deep.equal(['Coffee.'])
  })

  it('a pass behind a closing tag alone is a pass', async () => {
    const outcome = await field.party(({ n }) => stream(n === 0 ? 'x\n</think>\n[pass]' : 'Coffee.'))
    expect(outcome.said).to.deep.equal(['Coffee.'])
  })

  it('the others read no thoughts, and no watcher sees any, not even live', async () => {
    const watcher = field.watcher()
    const outcome = await field.party(async ({ n }) => {
      if (n === 0) await watcher.look()
      return stream('<think>', 'A secret', ' plan.', '</think>', 'I like tea.')
    })
    await watcher.stop()
    expect(watcher.seen.some((event) => event.type === 'turn.delta')).to.equal(true)
    expect(JSON.stringify(watcher.seen)).to.not.contain('secret')
    expect(JSON.stringify(outcome.requests.map(({ body }) => body))).to.not.contain('secret')
  })

  it('of a model that opens its thoughts itself, words are held back from the second answer on', async () => {
    const { user, requests, agentIds, run } = await field.party(
      () => stream('A secret plan.\n', '</think>', '\n\nI like tea.'),
      {
        maxTurns: 1,
      },
    )
    expect(requests).to.have.length(1)
    const deltas: string[] = []
    const watched = Promise.withResolvers<void>()
    field.server.script(async () => {
      await watched.promise
      return stream('A secret plan.\n', '</think>', '\n\nI like tea.')
    })
    const accepted = await user.accept('/api/chat', { agentId: agentIds[0], message: 'And now?' })
    const stop = await field.app.container.feed.subscribe(accepted.conversationId, (event) => {
      if (event.type === 'turn.delta') deltas.push(event.text)
    })
    watched.resolve()
    await user.finished(accepted.runId)
    await stop()
    expect(deltas.join('')).to.equal('I like tea.')
    expect(deltas.join('')).to.not.contain('secret')
    expect(run.status).to.equal('completed')
  })

  it('thoughts are metered: as words of the estimate, and as reasoning where the provider says so', async () => {
    const silent = await field.ask(() => `${C(`<think>${'Hm, and on. '.repeat(100)}</think>Tea.`)}${F('stop')}${D}`)
    expect(silent.answer).to.equal('Tea.')
    expect(silent.run.receipt.estimated).to.equal(true)
    expect(silent.run.receipt.outputTokens).to.be.greaterThan(300)
    const usage = {
      prompt_tokens: 9,
      completion_tokens: 30,
      total_tokens: 39,
      completion_tokens_details: { reasoning_tokens: 20 },
    }
    const told = await field.ask(
      () =>
        `${C({ reasoning_content: 'Hm.' })}${C({ reasoning: 'Hm.' })}${C('Tea.')}${F('stop')}${E({ choices: [], usage })}${D}`,
    )
    expect(told.answer).to.equal('Tea.')
    expect(await chargedUsage(told)).to.deep.include({
      inputTokens: 9,
      outputTokens: 10,
      reasoningTokens: 20,
    })
  })

  it("an agent's effort goes to the model of every wire, in its own words, and its limit leaves room", async () => {
    const sent: Record<string, Record<string, unknown>> = {}
    for (const provider of ['openai-compatible', 'openai', 'groq', 'anthropic', 'google'] as const) {
      const agent = {
        reasoningEffort: 'low',
        maxOutputTokens: 500,
        ...(provider === 'openai' && { model: 'gpt-5-mini' }),
      }
      const outcome = await field.ask(() => ({ status: 400, body: '{}' }), { provider, agent })
      sent[provider] = outcome.requests[0]?.body ?? {}
    }
    expect(sent['openai-compatible']).to.deep.include({ reasoning_effort: 'low', max_tokens: 500 + 1_024 })
    expect(sent.openai).to.deep.include({ reasoning_effort: 'low', max_completion_tokens: 500 + 1_024 })
    expect(sent.groq).to.deep.include({ reasoning_effort: 'low' })
    expect(sent.anthropic?.thinking ?? sent.anthropic?.output_config).to.be.an('object')
    expect(sent.google?.generationConfig).to.have.property('thinkingConfig')
  })

  it('in titles and summaries there are none', () => {
    expect(withoutThoughts('<think>A title.</think>\nTea or coffee')).to.equal('Tea or coffee')
    expect(withoutThoughts('What would fit?\n</think>\nTea or coffee')).to.equal('Tea or coffee')
    expect(withoutThoughts('<think>never ends')).to.equal('')
    expect(withoutThoughts('')).to.equal('')
  })

  it('however a text is cut into deltas, the same words come out', () => {
    const part = fc.constantFrom(
      '<think>',
      '</think>',
      'Hm. ',
      '\n',
      '<',
      'think',
      '>',
      'I like tea.',
      ' ',
      '[THINK]',
      '[/THINK]',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(6), { maxLength: 30 }), (parts, cuts) => {
        const text = parts.join('')
        const whole = new ThoughtFilter()
        const expected = whole.push(text).words + whole.end().words
        const filter = new ThoughtFilter()
        let words = ''
        let at = 0
        for (const cut of cuts) {
          words += filter.push(text.slice(at, at + cut)).words
          at += cut
        }
        words += filter.push(text.slice(at)).words + filter.end().words
        expect(words).to.equal(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('a good answer is not touched', async () => {
    expect((await field.ask(() => good('I like tea.'))).answer).to.equal('I like tea.')
  })
})
