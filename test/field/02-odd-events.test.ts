import { expect } from 'chai'
import { expectFailed, expectWhole, useField } from './field-world.ts'
import {
  A,
  anthropicMessage,
  anthropicPieces,
  C,
  completion,
  D,
  E,
  F,
  G,
  good,
  googleAnswer,
  googlePieces,
  T,
  U,
} from './wires.ts'

const USAGE_ALONE = E({ usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } })

describe('Field 2: one odd event does not throw an answer away', function () {
  this.timeout(30_000)
  const field = useField()

  const GOOD: Record<string, string> = {
    'usage in a chunk without choices': `${T}${F('stop')}${USAGE_ALONE}${D}`,
    'no finish reason, but [DONE]': `${T}${U}${D}`,
    'no [DONE], but a finish reason': `${T}${F('stop')}${U}`,
    'a ping as data': `${C('Whole ')}data: ping\n\n${C('answer.')}${F('stop')}${U}${D}`,
    'a role of another name': `${C({ role: 'model', content: '' })}${T}${F('stop')}${U}${D}`,
    'a named event of another kind': `${C('Whole ')}${E({ status: 'thinking' }, 'status')}${C('answer.')}${F('stop')}${U}${D}`,
    'a named event with a message and a code': `${C('Whole ')}${E({ message: 'Warming up', code: 1 }, 'progress')}${C('answer.')}${F('stop')}${U}${D}`,
    'a finish reason "null" in every chunk': `${E({ choices: [{ index: 0, delta: { content: 'Whole answer.' }, finish_reason: 'null' }] })}${F('stop')}${U}${D}`,
    'choices that are null': `${E({ choices: null })}${T}${F('stop')}${U}${D}`,
    'an error that is null': `${E({ id: 'c', choices: [], error: null })}${T}${F('stop')}${U}${D}`,
    'an empty error': `${E({ id: 'c', choices: [], error: {} })}${T}${F('stop')}${U}${D}`,
    'counts as strings': `${T}${F('stop')}${E({ choices: [], usage: { prompt_tokens: '9', completion_tokens: '3' } })}${D}`,
    'an event of JSON that is no object': `${T}data: 42\n\ndata: "hello"\n\ndata: null\n\n${F('stop')}${U}${D}`,
    'a cut piece of JSON': `${T}data: {"choices":[{"ind\n\n${F('stop')}${U}${D}`,
    'a choice that is null': `${E({ choices: [null] })}${T}${F('stop')}${U}${D}`,
    'a created time in words': `${E({ id: 7, created: 'today', model: null, choices: [{ index: '0', delta: { content: 'Whole answer.' } }] })}${F('stop')}${U}${D}`,
    'a finish reason of "" in every chunk': `${E({ choices: [{ index: 0, delta: { content: 'Whole answer.' }, finish_reason: '' }] })}${F('stop')}${U}${D}`,
    'logprobs, a fingerprint and a choice of its own': `${E({ service_tier: 1, choices: [{ index: 0, delta: { content: 'Whole answer.', tool_calls: null }, logprobs: 'x' }] })}${F('stop')}${U}${D}`,
    'the last message repeated whole': `${T}${E({ choices: [{ index: 0, delta: {}, message: { role: 'assistant', content: 'Whole answer.' }, finish_reason: 'stop' }] })}${U}${D}`,
    'lines that end with CR only': good('Whole answer.').replaceAll('\n', '\r'),
    'CRLF and a byte order mark': `\ufeff${good('Whole answer.').replaceAll('\n', '\r\n')}`,
    'no space behind data:': good('Whole answer.').replaceAll('data: ', 'data:'),
    'a prefix twice': good('Whole answer.').replaceAll('data: ', 'data: data: '),
    'no blank lines between events': good('Whole answer.').replaceAll('\n\n', '\n'),
    'content as parts': `${C({ content: [{ type: 'text', text: 'Whole answer.' }] })}${F('stop')}${U}${D}`,
    'a chunk of filter results first': `${E({ id: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] })}${good('Whole answer.')}`,
    'a refusal in a field of its own': `${E({ choices: [{ index: 0, delta: { refusal: 'Whole answer.' } }] })}${F('stop')}${U}${D}`,
    'comments and retry fields between': `: hello\n\nretry: 3000\nid: 5\n\n${good('Whole answer.')}: bye\n\n`,
  }
  for (const [what, stream] of Object.entries(GOOD)) {
    it(`openai: ${what}`, async () => expectWhole(await field.ask(() => stream), 'Whole answer.'))
  }

  it('openai and groq read the same oddities as openai-compatible does', async () => {
    for (const provider of ['openai', 'groq', 'ollama'] as const) {
      const odd = `${E({ choices: null })}data: ping\n\n${C({ role: 'model', content: 'Whole answer.' })}${F('eos')}${USAGE_ALONE}${D}`
      expectWhole(await field.ask(() => odd, { provider }), 'Whole answer.')
    }
  })

  it('a whole completion as JSON, although a stream was asked for, is the answer', async () => {
    expectWhole(await field.ask(() => ({ body: completion('Whole answer.') })), 'Whole answer.')
    const printed = JSON.stringify(JSON.parse(completion('Whole answer.')), null, 2)
    expectWhole(await field.ask(() => ({ body: printed, type: 'text/plain' })), 'Whole answer.')
    expectWhole(
      await field.ask(() => ({ body: anthropicMessage('Whole answer.') }), { provider: 'anthropic' }),
      'Whole answer.',
    )
    expectWhole(
      await field.ask(() => ({ body: googleAnswer('Whole answer.') }), { provider: 'google' }),
      'Whole answer.',
    )
    // Without alt=sse Gemini streams an array.
    const array = `[${googleAnswer('Whole answer.')}]`
    expectWhole(await field.ask(() => ({ body: array }), { provider: 'google' }), 'Whole answer.')
  })

  it('chunks as lines of JSON are read too', async () => {
    const lines = good('Whole answer.').replaceAll('data: [DONE]', '').replaceAll('data: ', '').replaceAll('\n\n', '\n')
    expectWhole(await field.ask(() => ({ body: lines, type: 'application/x-ndjson' })), 'Whole answer.')
  })

  it('anthropic: events and blocks of kinds that nobody knows are left out', async () => {
    const [start = '', block = '', ping = '', text = '', blockEnd = '', end = '', stop = ''] =
      anthropicPieces('Whole answer.')
    const unknown = E({ type: 'weather_report', sky: 'blue' }, 'weather_report')
    const odd = E({ type: 'content_block_start', index: 7, content_block: { type: 'hologram' } }, 'content_block_start')
    const delta = E(
      { type: 'content_block_delta', index: 7, delta: { type: 'light_delta', light: 1 } },
      'content_block_delta',
    )
    const stream = [unknown, start, ping, odd, delta, block, text, unknown, blockEnd, end, stop].join('')
    expectWhole(await field.ask(() => stream, { provider: 'anthropic' }), 'Whole answer.')
  })

  it('anthropic: a message that begins twice, or a block that never began, is read', async () => {
    const twice = [A.start, A.start, A.block, A.block, A.text('Whole answer.'), A.blockEnd, A.blockEnd, A.end(), A.stop]
    expectWhole(await field.ask(() => twice.join(''), { provider: 'anthropic' }), 'Whole answer.')
    const bare = [A.start, A.text('Whole answer.'), A.end(), A.stop]
    expectWhole(await field.ask(() => bare.join(''), { provider: 'anthropic' }), 'Whole answer.')
  })

  it('google: parts of unknown kinds, odd ratings and null members are left out', async () => {
    const odd = E({
      candidates: [
        {
          content: { parts: [null, { hologram: 1 }, { text: 'Whole ' }], role: 3 },
          safetyRatings: 'none',
          finishReason: null,
          groundingMetadata: 7,
        },
      ],
      usageMetadata: null,
      promptFeedback: {},
    })
    const stream = `${odd}${E({ sessionId: 1 })}${googlePieces('answer.').join('')}`
    expectWhole(await field.ask(() => stream, { provider: 'google' }), 'Whole answer.')
  })

  it('a real error among good events is still one', async () => {
    const error = E({ error: { message: 'Server overloaded', type: 'overloaded_error' } })
    const outcome = await field.ask(({ n }) => (n === 0 ? `${C('Half')}${error}` : good('Whole answer.')))
    expectWhole(outcome, 'Whole answer.', { requests: 2 })
    expect(outcome.said).to.have.length(1)
  })

  it('an answer larger than any is refused, not taken into memory', async () => {
    const outcome = await field.ask(() => `data: ${'x'.repeat(9_000_000)}`)
    expectFailed(outcome, 'bad_response')
  })

  it('google: thoughts beside words are thoughts', async () => {
    const thought = E({ candidates: [{ content: { parts: [{ text: 'Hm.', thought: true }], role: 'model' } }] })
    expectWhole(
      await field.ask(
        () =>
          `${thought}${G('Whole answer.', 'STOP', { usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 1, thoughtsTokenCount: 2 } })}`,
        { provider: 'google' },
      ),
      'Whole answer.',
    )
  })
})
