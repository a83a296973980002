import { expect } from 'chai'
import fc from 'fast-check'
import { OutboundGuard } from '../../src/connections/outbound-guard.ts'
import { classifyProviderError } from '../../src/connections/provider-errors.ts'
import { languageModel } from '../../src/connections/provider-factory.ts'
import { CallMeter } from '../../workers/agent-runtime/call-meter.ts'
import { CUT, startWireServer, type WireReply, type WireServer } from '../support/wire-server.ts'
import { useField, type WireProvider } from './field-world.ts'
import { A, anthropicPieces, C, D, E, F, G, GOOGLE_USAGE, U, USAGE } from './wires.ts'

/** A piece of a good stream: an event, and what it is for. */
interface Piece {
  kind: 'words' | 'noise' | 'frame' | 'end' | 'usage'
  text: string
  /** What it says. */
  words?: string
}
const words = (text: string, said: string): Piece => ({ kind: 'words', text, words: said })
const frame = (text: string): Piece => ({ kind: 'frame', text })
const noise = (text: string): Piece => ({ kind: 'noise', text })
const SAID = ['I like ', 'tea, ', 'not 咖啡 ', 'nor 🥤.']
const [start = '', block = '', ping = ''] = anthropicPieces()

const STREAMS: Partial<Record<WireProvider, Piece[]>> = {
  'openai-compatible': [
    frame(C({ role: 'assistant', content: '' })),
    noise(': ping\n\n'),
    ...SAID.map((said) => words(C(said), said)),
    { kind: 'end', text: F('stop') },
    { kind: 'usage', text: U },
    { kind: 'end', text: D },
  ],
  groq: [
    ...SAID.map((said) => words(C(said), said)),
    { kind: 'end', text: F('stop') },
    { kind: 'usage', text: E({ choices: [], x_groq: { usage: USAGE } }) },
    { kind: 'end', text: D },
  ],
  anthropic: [
    { kind: 'usage', text: start },
    frame(block),
    noise(ping),
    ...SAID.map((said) => words(A.text(said), said)),
    frame(A.blockEnd),
    { kind: 'end', text: A.end() },
    { kind: 'end', text: A.stop },
  ],
  google: [
    ...SAID.slice(0, -1).map((said) => words(G(said), said)),
    words(G(SAID.at(-1) ?? '', 'STOP', { usageMetadata: GOOGLE_USAGE }), SAID.at(-1) ?? ''),
  ],
}
const PROVIDERS = Object.keys(STREAMS) as WireProvider[]
const MODELS: Partial<Record<WireProvider, string>> = { anthropic: 'claude-haiku-4-5', google: 'gemini-2.5-flash' }

const FULL = SAID.join('')

/** What a mutation made of a stream, and the words that it still says in order, where it says them. */
interface Mutant {
  reply: WireReply
  says: string
}

const saidBy = (pieces: Piece[]): string => pieces.map(({ words: said = '' }) => said).join('')
const whole = (pieces: Piece[]): Mutant => ({ reply: { pieces: pieces.map(({ text }) => text) }, says: saidBy(pieces) })
const ODD: fc.Arbitrary<unknown> = fc.constantFrom(null, true, 'odd', [], {}, [null], { odd: { deep: [1] } })

/** Each place of JSON in an event, by its path. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))]
}
function withAt(value: unknown, [key, ...rest]: string[], odd: unknown): unknown {
  if (key === undefined) return odd
  if (Array.isArray(value)) return value.map((inner, i) => (String(i) === key ? withAt(inner, rest, odd) : inner))
  return { ...Object(value), [key]: withAt(Object(value)[key], rest, odd) }
}
const jsonOf = (text: string): unknown => {
  const data = text.split('\n').find((line) => line.startsWith('data: {'))
  return data && JSON.parse(data.slice(6))
}
const rewritten = (text: string, value: unknown): string =>
  text
    .split('\n')
    .map((line) => (line.startsWith('data: {') ? `data: ${JSON.stringify(value)}` : line))
    .join('\n')

describe('Mutations of good streams', function () {
  this.timeout(60_000)
  let server: WireServer
  const guard = new OutboundGuard({ allow: [], production: false })
  before(async () => {
    server = await startWireServer()
  })
  after(async () => {
    await guard.close()
    await server.stop()
  })

  /** What a turn makes of the answer: words and what is paid, or a failure by its code. */
  const hear = async (provider: WireProvider, reply: WireReply) => {
    server.script(() => reply)
    const base = provider === 'google' ? '/v1beta' : '/v1'
    const meter = new CallMeter()
    const model = languageModel(
      { provider, baseUrl: `${server.url}${base}`, apiKey: 'test-key' },
      MODELS[provider] ?? 'm',
      { fetch: meter.watch(guard.fetch) },
    )
    let text = ''
    let failure: string | undefined
    try {
      const { stream } = await meter
        .wrap(model, 'speak')
        .doStream({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'Tea or coffee?' }] }] })
      for await (const part of stream) {
        if (part.type === 'text-delta') text += part.delta
        if (part.type === 'error') failure ??= classifyProviderError(part.error).code
      }
    } catch (error) {
      failure = classifyProviderError(error).code
    }
    const [used] = await meter.used()
    return { text, failure, usage: used?.usage, requests: server.requests.length }
  }

  /** Whole, or a failure that has a name: never half an answer, never a count that nobody gave. */
  const expectSound = async (provider: WireProvider, { reply, says }: Mutant) => {
    const heard = await hear(provider, reply)
    expect(heard.requests).to.equal(1)
    if (heard.failure !== undefined) {
      expect(heard.failure).to.match(
        /^provider\.(stream_cut|bad_response|unavailable|empty_answer|bad_request|content_refused|limit_reached)$/,
      )
      return heard
    }
    expect(heard.text).to.equal(says)
    const { usage } = heard
    if (usage && !usage.estimated) expect([usage.inputTokens, usage.outputTokens]).to.deep.equal([9, 3])
    expect(usage?.inputTokens).to.be.greaterThan(0)
    if (says !== '') expect(usage?.outputTokens).to.be.greaterThan(0)
    return heard
  }

  for (const provider of PROVIDERS) {
    const pieces = STREAMS[provider] ?? []
    const index = fc.nat(pieces.length - 1)

    it(`${provider}: the stream as it was recorded is whole`, async () => {
      const heard = await expectSound(provider, whole(pieces))
      expect(heard).to.deep.include({ text: FULL, failure: undefined })
      expect(heard.usage?.estimated).to.equal(false)
    })

    it(`${provider}: each event left out, or said twice`, async () => {
      for (const [i, piece] of pieces.entries()) {
        await expectSound(provider, whole(pieces.toSpliced(i, 1)))
        const twice = await expectSound(provider, whole(pieces.toSpliced(i, 0, piece)))
        expect(twice.failure).to.equal(undefined)
      }
    })

    it(`${provider}: cut at any byte, by the body's end or the socket's`, async () => {
      const bytes = Buffer.from(pieces.map(({ text }) => text).join(''))
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length), fc.boolean(), async (at, isBroken) => {
          const head = bytes.subarray(0, at)
          const reply: WireReply = isBroken
            ? { pieces: [head.toString(), 5, CUT] }
            : { body: head, type: 'text/event-stream' }
          const heard = await hear(provider, reply)
          if (heard.failure === undefined) expect(heard.text).to.equal(FULL)
          else expect(heard.failure).to.match(/^provider\.(stream_cut|bad_response)$/)
        }),
        { numRuns: 60 },
      )
    })

    it(`${provider}: cut into packets anywhere, it is the same`, async () => {
      const text = pieces.map((piece) => piece.text).join('')
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 4 }), async (cuts) => {
          const at = [0, ...cuts.sort((a, b) => a - b), text.length]
          const packets = at.slice(1).flatMap((end, i) => [text.slice(at[i], end), 1])
          const heard = await hear(provider, { pieces: packets })
          // A character cut in two is none any more: only there the words differ.
          const isSplit = packets.some((one) => typeof one === 'string' && !one.isWellFormed())
          expect(heard.failure).to.equal(undefined)
          if (!isSplit) expect(heard.text).to.equal(FULL)
        }),
        { numRuns: 25 },
      )
    })

    it(`${provider}: a member more, of any kind and anywhere, changes nothing`, async () => {
      await fc.assert(
        fc.asyncProperty(index, fc.nat(50), ODD, async (i, place, odd) => {
          const piece = pieces[i]
          const value = piece && jsonOf(piece.text)
          if (!piece || value === undefined) return
          const holders = pathsOf(value).filter((path) => {
            const at = path.reduce<unknown>((inner, key) => Object(inner)[key], value)
            return typeof at === 'object' && at !== null && !Array.isArray(at)
          })
          const path = holders[place % holders.length] ?? []
          const text = rewritten(piece.text, withAt(value, [...path, 'x_new_member'], odd))
          const heard = await expectSound(provider, whole(pieces.with(i, { ...piece, text })))
          expect(heard).to.deep.include({ text: FULL, failure: undefined })
        }),
        { numRuns: 40 },
      )
    })

    it(`${provider}: a member of an odd kind costs at most what it said`, async () => {
      await fc.assert(
        fc.asyncProperty(index, fc.nat(200), ODD, async (i, place, odd) => {
          const piece = pieces[i]
          const value = piece && jsonOf(piece.text)
          if (!piece || value === undefined) return
          const paths = pathsOf(value)
          const path = paths[place % paths.length] ?? []
          const text = rewritten(piece.text, withAt(value, path, odd))
          const heard = await hear(provider, whole(pieces.with(i, { ...piece, text })).reply)
          expect(heard.failure).to.not.equal('provider.failed')
          if (heard.failure !== undefined) return
          const without = saidBy(pieces.toSpliced(i, 1))
          const isOddWord = heard.text !== FULL && heard.text !== without
          // Where the odd thing is text itself, it is what the server said.
          if (isOddWord) expect(heard.text).to.contain('odd')
          if (heard.usage && !heard.usage.estimated) {
            expect([heard.usage.inputTokens, heard.usage.outputTokens]).to.deep.equal([9, 3])
          }
        }),
        { numRuns: 80 },
      )
    })

    it(`${provider}: noise and usage at another place, where the wire allows`, async () => {
      const last = pieces.findLastIndex(({ kind }) => kind === 'end')
      await fc.assert(
        fc.asyncProperty(fc.nat(pieces.length - 1), async (to) => {
          const noisy = pieces.toSpliced(to, 0, noise(provider === 'anthropic' ? ping : ': ping\n\n'))
          expect(await expectSound(provider, whole(noisy))).to.deep.include({ text: FULL, failure: undefined })
          const from = pieces.findIndex(({ kind }) => kind === 'usage')
          if (provider === 'anthropic' || from < 0 || to >= last) return
          const usage = pieces[from]
          if (!usage) return
          const moved = pieces.toSpliced(from, 1).toSpliced(to, 0, usage)
          const heard = await expectSound(provider, whole(moved))
          expect(heard).to.deep.include({ text: FULL, failure: undefined })
          expect(heard.usage?.estimated).to.equal(false)
        }),
        { numRuns: 25 },
      )
    })
  }
})

describe('Mutations of good streams, as turns', function () {
  this.timeout(60_000)
  const field = useField({ env: { TURN_MAX_ATTEMPTS: '1' } })

  for (const provider of ['openai-compatible', 'anthropic', 'google'] as const) {
    it(`${provider}: a turn is whole and paid, or failed and free`, async () => {
      const pieces = STREAMS[provider] ?? []
      for (const i of pieces.keys()) {
        const left = pieces.toSpliced(i, 1)
        const cut = pieces.slice(0, i)
        for (const mutant of [left, cut]) {
          const outcome = await field.ask(() => ({ pieces: mutant.map(({ text }) => text) }), { provider })
          if (outcome.run.status === 'failed') {
            expect(outcome.said).to.deep.equal([])
            expect(outcome.spent).to.equal('0.000000')
          } else {
            expect(outcome.answer).to.equal(saidBy(mutant))
            expect(mutant === cut && i < pieces.findIndex(({ kind }) => kind === 'end')).to.equal(false)
          }
        }
      }
    })
  }
})
