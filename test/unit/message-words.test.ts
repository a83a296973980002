import { expect } from 'chai'
import { beginningOf, excerptOf } from '../../src/conversations/excerpt.ts'
import { spansOf, wordsOf, wordsQuery } from '../../src/conversations/message-words.ts'

const USER = '01990000-0000-7000-8000-0000000000a1'

describe('Words of messages', () => {
  const marked = (text: string, asked: string) =>
    excerptOf(text, spansOf(text, wordsQuery(USER, asked)?.wanted ?? []))
      ?.map((piece) => (piece.isMatch ? `[${piece.text}]` : piece.text))
      .join('')

  it('are noted once each, folded, as their user’s', async () => {
    expect(await wordsOf(USER, 'Tea, TEA and thé.')).to.equal("'000000a1:tea' '000000a1:and' '000000a1:the'")
    expect(await wordsOf(USER, '!?')).to.equal('')
  })

  it('cannot say anything but words to the database', () => {
    for (const asked of ["' | 'x", "a':*", '\\', '!b', '(c)', 'd & e', '<->', '%_\\']) {
      const query = wordsQuery(USER, asked)
      for (const part of query?.words.split(' & ') ?? []) expect(part).to.match(/^'000000a1:[\p{L}\p{N}]+'(:\*)?$/u)
    }
    expect(wordsQuery(USER, '50%_\\')?.titles).to.deep.equal(['%50\\%\\_\\\\%'])
    expect(wordsQuery(USER, '… ! ?')).to.equal(undefined)
    const long = wordsQuery(USER, '京都'.repeat(100))
    expect(long?.wanted.length).to.equal(64)
  })

  it('are shown with what stands around them, in whole characters', () => {
    expect(marked('Where is my tea?', 'TEA')).to.equal('Where is my [tea]?')
    expect(marked(`${'🦊'.repeat(300)} tea ${'🦊'.repeat(300)}`, 'tea')?.isWellFormed()).to.equal(true)
    expect(marked(`tea ${'🦊'.repeat(150)}`, 'tea')?.isWellFormed()).to.equal(true)
    expect(marked('no such word', 'tea')).to.equal(undefined)
    expect(beginningOf('🦊'.repeat(150))[0]?.text.isWellFormed()).to.equal(true)
    expect(beginningOf('short')).to.deep.equal([{ text: 'short', isMatch: false }])
  })

  it('of scripts without spaces are marked sign by sign, also within others', () => {
    expect(marked('東京都庁', '京都')).to.equal('東[京都]庁')
    expect(marked('東京都庁', '庁')).to.equal('東京都[庁]')
    expect(marked('2024年に京都で', '京都')).to.equal('2024年に[京都]で')
    expect(marked('京都京都', '京都')).to.equal('[京都京都]')
  })
})
