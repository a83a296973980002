import { expect } from 'chai'
import { DeltaCleaner } from '../../workers/agent-runtime/delta-cleaner.ts'
import { by, linesOf, usePartyWorld } from '../workers/party-world.ts'
import { expectLinear } from './growth.ts'

/** What is left of a speech that comes at once; letter by letter must be the same. */
function said(name: string, speech: string, others: string[] = ['Otto', 'User']): string {
  const once = new DeltaCleaner(name, others)
  const atOnce = once.push(speech) + once.end()
  const slow = new DeltaCleaner(name, others)
  // By UTF-16 unit, as a stream may cut.
  const byLetter =
    speech
      .split('')
      .map((unit) => slow.push(unit))
      .join('') + slow.end()
  expect(byLetter, 'letter by letter').to.equal(atOnce)
  expect(once.text, 'what is stored is what was shown').to.equal(atOnce)
  return atOnce
}

describe("Field 10: the speaker's own name is taken off and nothing else", () => {
  const cases: Array<[speech: string, left: string, name?: string]> = [
    ['Ada: **Important** is this.', '**Important** is this.'],
    ['[Ada]: hi', 'hi'],
    ['Ada：你好', '你好'],
    ['Ada: * one\n* two', '* one\n* two'],
    ['Ada: # Plan', '# Plan'],
    ['Ada: "Quoted" words', '"Quoted" words'],
    ['Ada: _so_', '_so_'],
    ['Ada: > quoted', '> quoted'],
    ['Ada: - one\n- two', '- one\n- two'],
    ['Ada: `code`', '`code`'],
    ['Ada: ```js\nOtto: 1\n```', '```js\nOtto: 1\n```'],
    ['Ada:\n\n1. one', '1. one'],
    ['**Ada:** **Important** is', '**Important** is'],
    ['**Ada**: **Important** is', '**Important** is'],
    ['**Ada: Important**', '**Important**'],
    ['**Ada: **Important** is', '**Important** is'],
    ['**Ada: ** Important', 'Important'],
    ['*Ada:* * one', '* one'],
    ['"Ada: I like tea."', '"I like tea."'],
    ['“Ada”: tea', 'tea'],
    ['“Ada: tea”', '“tea”'],
    ['【Ada】：你好', '你好'],
    ['「Ada」： 你好', '你好'],
    ['<Ada>: hi', 'hi'],
    ['(Ada): hi', 'hi'],
    ['### Ada: hi', 'hi'],
    ['**[Ada]:** hi', 'hi'],
    ['Ada\u00a0: salut', 'salut'],
    ['\u200fAda\u200f: hi', 'hi'],
    ['ＡＤＡ： hi', 'hi'],
    ['Jose\u0301: sí', 'sí', 'José'],
    ['JOSÉ: sí', 'sí', 'Jose\u0301'],
    ['小红：**重要**', '**重要**', '小红'],
    ['İNCİ: evet', 'evet', 'inci'],
    ['민준: *네*', '*네*', '민준'],
    ['\u1106\u1175\u11ab\u110c\u116e\u11ab: 네', '네', '민준'],
    ['สมชาย: ครับ', 'ครับ', 'สมชาย'],
    ['דנה: כן', 'כן', 'דנה'],
    ['Nguye\u0302\u0303n: vâng', 'vâng', 'Nguyễn'],
    ['🦊 Fox: hi', 'hi', '🦊 Fox'],
    ['❤: hi', 'hi', '❤️'],
    ['Clara  Schumann: hi', 'hi', 'Clara Schumann'],
    ['C++ (expert): hi', 'hi', 'C++ (expert)'],
    ['[bot] Bob: hi', 'hi', '[bot] Bob'],
    ['**[bot] Bob:** hi', 'hi', '[bot] Bob'],
    ['#1 Fan: hi', 'hi', '#1 Fan'],
    ['Ada: ', ''],
    ['Ada:', ''],
    // Kept as they are.
    ['Ada', 'Ada'],
    ['Ada says: tea.', 'Ada says: tea.'],
    ['Adam: tea.', 'Adam: tea.'],
    ['I, Ada: tea.', 'I, Ada: tea.'],
    ['* Ada: one\n* Bob: two', '* Ada: one\n* Bob: two'],
    ['- Ada: one', '- Ada: one'],
    ['1. Ada: one', '1. Ada: one'],
    ['> Ada: one', '> Ada: one'],
    ['| Ada: one |', '| Ada: one |'],
    ['Ada :) tea', 'Ada :) tea'],
    ['Ada::run', 'Ada::run'],
    ['ada://page', 'ada://page'],
    ['Hello.\nAda: still me.', 'Hello.\nAda: still me.'],
    ['**Important**: tea', '**Important**: tea'],
    ['Schumann: tea', 'Schumann: tea', 'Clara Schumann'],
    ['Ada: Ada: twice', 'Ada: twice'],
    ['Ada: Otto: what do you think?', 'Otto: what do you think?'],
    ['小红帽：你好', '小红帽：你好', '小红'],
  ]
  for (const [speech, left, name = 'Ada'] of cases) {
    it(`${JSON.stringify(speech)} of ${name} is ${JSON.stringify(left)}`, () =>
      expect(said(name, speech)).to.equal(left))
  }

  it('a pass behind the own name, in full width too, is a pass', () => {
    for (const speech of ['Ada: [pass]', '**Ada:** [PASS].', '［pass］', '[pass]。', '[pass]\n\n', 'Ada:\n[pass]']) {
      const cleaner = new DeltaCleaner('Ada', ['Otto'])
      expect(cleaner.push(speech) + cleaner.end(), speech).to.equal('')
      expect(cleaner.passed, speech).to.equal(true)
    }
  })

  it('takes steps that grow with the text, whatever it is made of', () => {
    const names = ['a'.repeat(60), 'Otto', '小红', 'User']
    for (const [piece = '', start = ''] of [
      [' ', '**Ada:'],
      [' ', '[pass]'],
      [' ', 'Otto'],
      ['*', '**Ada:'],
      ['a'],
      ['*'],
      [' '],
      ['\n'],
      ['Ott\n'],
      [`${'a'.repeat(59)}\n`],
      ['`'],
      ['```\n'],
      ['Ada: '],
      ['['],
      ['小\n'],
      ['Otto   '],
      ['Otto :)\n'],
    ])
      expectLinear((n) => {
        const cleaner = new DeltaCleaner('Ada', names)
        const text = start + piece.repeat(n / piece.length)
        for (let at = 0; at < text.length; at += 50) cleaner.push(text.slice(at, at + 50))
        cleaner.end()
      }, start + piece)
  })

  describe('over the wire', () => {
    const world = usePartyWorld()

    it('what is stored has lost the name and kept the markup', async () => {
      const { user, agentIds } = await world.guests(['Ada', '小红'])
      world.llm
        .reply({ when: by('Ada'), text: 'Ada: **Important** is tea.', chunkSize: 3 })
        .reply({ when: by('小红'), text: '小红：* 一', chunkSize: 1 })
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Tea?',
        maxTurns: 2,
      })
      await user.finished(runId)
      expect(await linesOf(user, conversationId)).to.deep.equal([
        [null, 'Tea?'],
        ['Ada', '**Important** is tea.'],
        ['小红', '* 一'],
      ])
    })
  })
})
