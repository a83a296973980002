import { expect } from 'chai'
import { countTokens as countWhole } from 'gpt-tokenizer'
import { countTokens } from '../../src/credits/token-counting.ts'
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

  it('takes 32,000 equal letters in a small part of the time that they take whole', async () => {
    const letters = 'b'.repeat(32_000)
    await countTokens('warm')
    const timed = async (count: () => unknown) => {
      const startedAt = performance.now()
      await count()
      return performance.now() - startedAt
    }
    const inPieces = await timed(() => countTokens(letters))
    // A fourth of it, whole, takes a sixteenth of the time.
    const whole = 16 * (await timed(() => countWhole(letters.slice(0, 8_000))))
    expect(inPieces).to.be.lessThan(whole / 4)
    // A cut costs a token at most.
    expect((await countTokens(letters)) - countWhole(letters.slice(0, 8_000)) * 4).to.be.within(-64, 64)
  })
})
