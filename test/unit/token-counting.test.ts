import { expect } from 'chai'
import { TokenCounting } from '../../src/credits/token-counting.ts'
import { tokenize } from '../../src/credits/tokenizer.ts'
import { estimateTokens } from '../../src/shared/token-estimate.ts'
import { cost, MOST } from '../field/growth.ts'

/** How often the event loop turns while this goes on. */
async function turnsDuring<T>(work: Promise<T>): Promise<{ result: T; turns: number }> {
  let turns = 0
  let isOver = false
  const turn = () => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  const result = await work
  isOver = true
  return { result, turns }
}

const KINDS: Record<string, (length: number) => string> = {
  'one letter': (length) => 'a'.repeat(length),
  'letters at random, no spaces': (length) =>
    Array.from({ length }, (_, i) => String.fromCharCode(97 + ((i * 7919) % 26))).join(''),
  'rare Chinese signs': (length) =>
    Array.from({ length }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join(''),
  'spaces without end': (length) => ' '.repeat(length),
  'apostrophes and letters': (length) => "'s".repeat(length / 2),
  'accents on one letter': (length) => `a${'\u0301'.repeat(length - 1)}`,
  'emoji and signs': (length) => '!🙂'.repeat(length / 3),
  'words just too short to be cut': (length) => `${'b'.repeat(127)} `.repeat(length / 128),
}

describe('Counting of tokens', function () {
  this.timeout(60_000)
  const counting = new TokenCounting()

  it('gives a long text the same number as a short way of it would, while the process does other things', async () => {
    const text = 'A quick brown fox jumps over a lazy dog. '.repeat(10_000)
    await counting.count('warm')
    const { result, turns } = await turnsDuring(counting.count(text))
    expect(result).to.equal(await tokenize(text))
    expect(turns).to.be.above(1)
  })

  for (const [kind, textOf] of Object.entries(KINDS)) {
    it(`grows with the text and no faster: ${kind}`, async () => {
      await tokenize(textOf(1_024))
      const [small, large] = [textOf(24_576), textOf(98_304)]
      const least = await cost(3, () => tokenize(small))
      expect(await cost(3, () => tokenize(large))).to.be.below(Math.max(least, 12) * MOST)
    })
  }

  it('counts many texts at once, each right', async () => {
    const texts = Array.from({ length: 12 }, (_, i) => `number ${i} `.repeat(3_000 + i))
    const counts = await Promise.all(texts.map((text) => counting.count(text)))
    expect(counts).to.deep.equal(await Promise.all(texts.map(tokenize)))
  })

  it('estimates what comes while too much waits, and goes on counting afterwards', async () => {
    const small = new TokenCounting({ threads: 1, waitingChars: 50_000 })
    const texts = Array.from({ length: 3 }, (_, i) => 'four words and more '.repeat(2_000 + i))
    const counts = await Promise.all(texts.map((text) => small.count(text)))
    const [first, second, third] = texts.map((text) => [tokenize(text), estimateTokens(text)] as const)
    // The first begins at once, the second waits, the third finds no room.
    expect(counts).to.deep.equal([await first?.[0], await second?.[0], third?.[1]])
    expect(await small.count(texts[2] ?? '')).to.equal(await third?.[0])
  })

  it('ends a thread that is late, estimates, and has another one for the next', async () => {
    const hasty = new TokenCounting({ threads: 1, deadlineMs: 1 })
    const text = 'word '.repeat(10_000)
    expect(await hasty.count(text)).to.equal(estimateTokens(text))
    expect(await hasty.count(text)).to.equal(estimateTokens(text))
  })

  it('counts on, whether its thread has just ended for want of work or is about to', async () => {
    const brief = new TokenCounting({ threads: 1, idleMs: 0 })
    const text = 'word '.repeat(10_000)
    const expected = await tokenize(text)
    for (let round = 0; round < 4; round++) expect(await brief.count(text)).to.equal(expected)
  })
})
