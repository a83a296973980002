import { expect } from 'chai'
import { countTokens as countWhole } from 'gpt-tokenizer'
import { countTokens } from '../../src/credits/token-counting.ts'
import { tokenize } from '../../src/credits/tokenizer.ts'
import { textPieces } from '../../src/shared/text-pieces.ts'

describe('text in pieces for a tokenizer', () => {
  it('is whole when it has breaks, however long, and counted exactly', async () => {
    const prose = 'A quick brown fox jumps over a lazy dog, \nand then again. '.repeat(600)
    expect(textPieces(prose)).to.deep.equal([prose])
    expect(await countTokens(prose)).to.equal(countWhole(prose))
  })

  for (const [name, text] of Object.entries({
    letters: 'a'.repeat(32_000),
    blanks: ' '.repeat(32_000),
    emoji: '🙂'.repeat(8_000),
    Chinese: '東京'.repeat(8_000),
    'a broken character': `${'a'.repeat(1_000)}\ud800`,
  })) {
    it(`is cut where it has none, and nothing is lost: ${name}`, () => {
      const pieces = textPieces(text)
      expect(pieces.join('')).to.equal(text)
      expect(Math.max(...pieces.map((piece) => piece.length))).to.be.at.most(256)
      if (text.isWellFormed()) expect(pieces.every((piece) => piece.isWellFormed())).to.equal(true)
    })
  }

  it('takes steps by its length, where a whole one takes them by its square', async () => {
    const letters = 'b'.repeat(32_000)
    const whole = await stepsDuring(() => countWhole(letters.slice(0, 8_000)))
    expect(whole, 'the tokenizer’s own').to.equal(8_000 ** 2)
    expect(await stepsDuring(() => tokenize(letters))).to.be.within(1, 32_000 * 128)
    // A cut costs a token at most; so long a text is counted in a thread.
    const tokens = await countTokens(letters)
    expect(tokens).to.equal(await tokenize(letters))
    expect(tokens - countWhole(letters.slice(0, 8_000)) * 4).to.be.within(-64, 64)
  })
})

/** What the tokenizer does in this thread: it looks through a word, which it first makes bytes of, once for each of its bytes. */
async function stepsDuring(work: () => unknown): Promise<number> {
  const { encode } = TextEncoder.prototype
  let steps = 0
  TextEncoder.prototype.encode = function (text = '') {
    const bytes = encode.call(this, text)
    steps += bytes.length ** 2
    return bytes
  }
  try {
    await work()
  } finally {
    TextEncoder.prototype.encode = encode
  }
  return steps
}
