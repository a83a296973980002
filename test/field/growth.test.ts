import { expect } from 'chai'
import { EventSplitter } from '../../src/connections/dialects/event-lines.ts'
import { lessonOf } from '../../src/connections/dialects/lessons.ts'
import { ThoughtFilter, withoutThoughts } from '../../src/connections/dialects/thoughts.ts'
import type { WireName } from '../../src/connections/dialects/wire.ts'
import { readableAnswer } from '../../src/connections/dialects/wire-body.ts'
import { classifyProviderError } from '../../src/connections/provider-errors.ts'
import { addressed, named } from '../../src/rounds/addressing.ts'
import { hasPhrase } from '../../src/rounds/stop-phrase.ts'
import { readDecision } from '../../src/rounds/supervisor.ts'
import { DeltaCleaner } from '../../workers/agent-runtime/delta-cleaner.ts'
import { filesPrompt } from '../../workers/agent-runtime/file-prompt.ts'
import { titleFromWords, titleOf } from '../../workers/processors/title.processor.ts'
import { cost, MOST } from './growth.ts'
import { A, C, D, F, G } from './wires.ts'

const N = 40_000
/** Less than this is noise, in ms. */
const NOISE_MS = 12
const RUNS = 4

const drained = async (wire: WireName, body: string): Promise<void> => {
  const answer = await readableAnswer(new Response(body, { headers: { 'content-type': 'text/event-stream' } }), wire, {
    onLife: () => {},
  })
  for await (const _ of answer.body ?? []);
}
const quietly = (work: () => unknown) => async () => {
  try {
    await work()
  } catch {
    // How it ends is another test's.
  }
}
const signBySign = (text: string) => {
  const filter = new ThoughtFilter()
  for (const sign of text) filter.push(sign)
  filter.end()
}
const split = (text: string, step: number) => {
  const splitter = new EventSplitter()
  for (let at = 0; at < text.length; at += step) splitter.push(text.slice(at, at + step))
  splitter.end()
}
const cleaned = (name: string, text: string) => {
  const cleaner = new DeltaCleaner(name, ['Otto', 'User'])
  cleaner.push(text)
  return cleaner.end()
}
const passages = (text: string) =>
  filesPrompt([], [{ fileId: '1', name: text, page: null, heading: text, cells: text, text }])
const state = { participants: [{ id: '1', name: 'Ada' }], turns: [] }
const body = { response_format: {}, messages: [{ role: 'system', content: 'x' }] }

/** What is read, by the size of its input. */
const READERS: Record<string, (n: number) => unknown> = {
  'one long line, in packets of 16': (n) => split('x'.repeat(n), 16),
  'many short lines': (n) => split('data: {}\n\n'.repeat(n / 4), 1_024),
  'lines that are no fields': (n) => split('{"a":1}\n'.repeat(n / 4), 1_024),
  'blank lines behind braces': (n) => split('}\n\n'.repeat(n), 1_024),
  comments: (n) => split(': ping\n\n'.repeat(n / 4), 1_024),
  'thoughts, sign by sign': (n) => signBySign(`<think>${'Hm. '.repeat(n / 2)}</think>Yes.`),
  'words, sign by sign': (n) => signBySign('Yes, < no. '.repeat(n / 4)),
  'white space, sign by sign': (n) => signBySign(' '.repeat(n * 2)),
  'blocks of thoughts': (n) => withoutThoughts('<think></think>'.repeat(n / 4)),
  'closing tags': (n) => withoutThoughts('a</think>'.repeat(n / 2)),
  'opening signs': (n) => withoutThoughts('<'.repeat(n * 4)),
  'words held back': (n) => {
    const filter = new ThoughtFilter({ isUnopened: true })
    for (let i = 0; i < n; i++) filter.push('Hm. ')
    filter.end()
  },
  'braces of a decision': (n) => readDecision('{'.repeat(n * 4), state, false),
  'objects of a decision': (n) => readDecision('{"a":1},'.repeat(n), state, false),
  'commas of a decision': (n) => readDecision(`{"next":${', '.repeat(n)}}`, state, false),
  'an error of many words': (n) =>
    classifyProviderError({
      statusCode: 400,
      responseBody: 'the input token count limit requested model '.repeat(n / 4),
    }),
  'a rate limit of many numbers': (n) =>
    classifyProviderError({ statusCode: 429, responseBody: 'request too large limit limit requested '.repeat(n / 4) }),
  'a refusal of many words': (n) =>
    lessonOf({ status: 400, words: 'the system message is not here '.repeat(n / 4).slice(0, 16_384), body }, []),
  'a title of quotation marks': (n) => titleOf(`${'"'.repeat(n)}x`),
  'a title of words and quotation marks': (n) => titleFromWords(`x${'"'.repeat(n)}x`),
  'first words of blanks': (n) => titleFromWords(`x${' '.repeat(n)}.${' '.repeat(n)}x`),
  'a name that is a star, called': (n) => addressed('*'.repeat(n), [{ id: '1', name: '*' }, ...state.participants]),
  'a name that is a star, named': (n) => named('* '.repeat(n / 2), [{ id: '1', name: '*' }, ...state.participants]),
  'a phrase that is nearly everywhere': (n) => hasPhrase('a'.repeat(n), 'a'.repeat(200)),
  'signs that unfold to many': (n) => hasPhrase('ﷺ'.repeat(n), 'x'),
  'lines that may all be labels': (n) => cleaned('*'.repeat(60), `${'*'.repeat(199)}:\n`.repeat(n / 200)),
  'lines of openings': (n) => cleaned('a'.repeat(60), `${'('.repeat(199)}\n`.repeat(n / 200)),
  'a passage of blanks behind a sign': (n) => passages(`<${' '.repeat(n)}x`),
  'a passage of signs': (n) => passages('< '.repeat(n / 2)),
}
const ANSWERS: Record<string, [WireName, (n: number) => string]> = {
  'an answer of OpenAI': ['openai', (n) => `${C('tea ').repeat(n / 40)}${F('stop')}${D}`],
  'an answer of Anthropic': ['anthropic', (n) => `${A.start}${A.text('tea ').repeat(n / 40)}${A.end()}${A.stop}`],
  'an answer of Gemini': ['google', (n) => `${G('tea ').repeat(n / 40)}${G('.', 'STOP')}`],
  'a whole answer of OpenAI': [
    'openai',
    (n) => `{"choices":[{"message":{"content":"${'x'.repeat(n * 4)}"},"finish_reason":"stop"}]}`,
  ],
  'events that are none': ['openai', (n) => `${'data: ping\n\n'.repeat(n / 4)}${F('stop')}`],
  'nested lists': ['openai', (n) => `data: ${'['.repeat(n)}${']'.repeat(n)}\n\n${F('stop')}`],
  'many choices': ['openai', (n) => `data: {"choices":[${'{"index":1},'.repeat(n / 4)}{}]}\n\n${F('stop')}`],
}

/** What a name of sixty signs and lines made for it may cost a character, in plain lines' cost. */
const MOST_TIMES = 60

describe('Growth of what reads a provider', function () {
  this.timeout(60_000)
  const grows = async (work: (n: number) => unknown) => {
    await work(N / 4)
    const small = await cost(RUNS, () => work(N))
    const large = await cost(RUNS, () => work(4 * N))
    expect(large, `${large} ms after ${small} ms`).to.be.below(Math.max(small, NOISE_MS) * MOST)
  }

  for (const [what, work] of Object.entries(READERS)) {
    it(`${what}: four times as much costs at most ${MOST} times as much`, () => grows((n) => quietly(() => work(n))()))
  }
  it('a line made for a name costs a bounded multiple of a plain one', async () => {
    const n = 40_000
    const plain = await cost(RUNS, () => cleaned('Ada', 'tea and tea and more of it\n'.repeat(n / 27)))
    for (const sign of ['*', '(', '"'])
      for (const name of ['*'.repeat(60), 'a'.repeat(60)]) {
        const made = await cost(RUNS, () => cleaned(name, `${sign.repeat(199)}:\n`.repeat(n / 201)))
        expect(made, `${sign} for ${name}`).to.be.below(Math.max(plain, 4) * MOST_TIMES)
      }
  })
  for (const [what, [wire, bodyOf]] of Object.entries(ANSWERS)) {
    it(`${what}: four times as much costs at most ${MOST} times as much`, () =>
      grows((n) => quietly(() => drained(wire, bodyOf(n)))()))
  }
})
