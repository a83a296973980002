import { expect } from 'chai'
import { CUT } from '../support/wire-server.ts'
import { expectFailed, expectWhole, useField, type WireProvider } from './field-world.ts'
import { A, anthropicPieces, C, D, E, F, G, GOOGLE_USAGE, good, googlePieces, H, T, U } from './wires.ts'

const GOOD: Record<WireProvider, string> = {
  openai: good('Whole answer.'),
  'openai-compatible': good('Whole answer.'),
  ollama: good('Whole answer.'),
  groq: `${T}${F('stop')}${E({ choices: [], x_groq: { usage: { prompt_tokens: 9, completion_tokens: 3 } } })}${D}`,
  anthropic: anthropicPieces('Whole answer.').join(''),
  google: googlePieces('Whole answer.').join(''),
}
const HALF: Record<WireProvider, string> = {
  openai: H,
  'openai-compatible': H,
  ollama: H,
  groq: H,
  anthropic: [A.start, A.block, A.text('Half an ans')].join(''),
  google: G('Half an ans', undefined, { usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 } }),
}
const PROVIDERS = Object.keys(GOOD) as WireProvider[]

describe('Field 1: an answer is whole only with its end mark', function () {
  this.timeout(30_000)
  const field = useField({ env: { TURN_MAX_ATTEMPTS: '3' } })

  for (const provider of PROVIDERS) {
    it(`${provider}: half an answer with a proper end of the body is tried again, and nothing of it is kept or charged`, async () => {
      const outcome = await field.ask(({ n }) => (n === 0 ? HALF[provider] : GOOD[provider]), { provider })
      expectWhole(outcome, 'Whole answer.', { requests: 2 })
      expect(outcome.said).to.deep.equal(['Whole answer.'])
      expect(Number(outcome.run.receipt.lost)).to.be.greaterThan(0)
    })
  }

  it('an answer that always breaks off fails as cut, and costs the user nothing', async () => {
    expectFailed(await field.ask(() => H), 'stream_cut', { requests: 3 })
  })

  it('anthropic: a message whose end never comes is no answer, though its block has ended', async () => {
    const outcome = await field.ask(() => [A.start, A.block, A.text('Half an ans'), A.blockEnd].join(''), {
      provider: 'anthropic',
    })
    expectFailed(outcome, 'stream_cut', { requests: 3 })
  })

  it('google: an error that stands bare behind a good chunk is the error, not the end', async () => {
    const overloaded = JSON.stringify({
      error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' },
    })
    const outcome = await field.ask(() => `${G('Half an ans')}${overloaded}\n`, { provider: 'google' })
    expectFailed(outcome, 'unavailable', { requests: 3 })
  })

  it('google: the same, printed over many lines', async () => {
    const body = JSON.stringify({ error: { code: 429, message: 'Slow down.', status: 'RESOURCE_EXHAUSTED' } }, null, 2)
    const outcome = await field.ask(({ n }) => (n === 0 ? `${G('Half')}${body}` : GOOD.google), { provider: 'google' })
    expectWhole(outcome, 'Whole answer.', { requests: 2 })
  })

  for (const mark of [
    'insufficient_system_resource',
    'network_error',
    'abort',
    'error',
    'aborted_by_server',
    'timeout',
  ]) {
    it(`openai: the end "${mark}" is a breakage: tried again`, async () => {
      const outcome = await field.ask(({ n }) => (n === 0 ? `${H}${F(mark)}${U}${D}` : good('Whole answer.')))
      expectWhole(outcome, 'Whole answer.', { requests: 2 })
    })
  }

  for (const mark of ['eos', 'end_turn', 'stop_sequence', 'length', 'max_tokens', 'COMPLETE', 'something_new']) {
    it(`openai: the end "${mark}" is an end`, async () => {
      expectWhole(await field.ask(() => `${T}${F(mark)}${U}${D}`), 'Whole answer.')
    })
  }

  it('an end mark is an end also where the socket breaks behind it', async () => {
    expectWhole(await field.ask(() => ({ pieces: [T, F('stop'), U, 50, CUT] })), 'Whole answer.')
  })

  it('a server that never hangs up behind its end mark holds nobody up', async () => {
    const outcome = await field.ask(() => ({ pieces: [T, F('stop'), U, D, 60_000] }))
    expectWhole(outcome, 'Whole answer.')
  })

  it('anthropic: a stop reason without message_stop is an end', async () => {
    const pieces = anthropicPieces('Whole answer.').slice(0, -1)
    expectWhole(await field.ask(() => pieces.join(''), { provider: 'anthropic' }), 'Whole answer.')
  })

  it('google: no output tokens reported beside words are estimated, and marked so', async () => {
    const usage = { ...GOOGLE_USAGE, candidatesTokenCount: 0, totalTokenCount: 9 }
    const outcome = await field.ask(() => G('Whole answer.', 'STOP', { usageMetadata: usage }), { provider: 'google' })
    expect(outcome.answer).to.equal('Whole answer.')
    expect(outcome.run.receipt).to.deep.include({ inputTokens: 9, estimated: true })
    expect(outcome.run.receipt.outputTokens).to.be.greaterThan(0)
  })

  it('openai: the same', async () => {
    const usage = E({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 0, total_tokens: 9 } })
    const outcome = await field.ask(() => `${C('Whole answer.')}${F('stop')}${usage}${D}`)
    expect(outcome.run.receipt).to.deep.include({ inputTokens: 9, estimated: true })
    expect(outcome.run.receipt.outputTokens).to.be.greaterThan(0)
  })
})
