import { expect } from 'chai'
import fc from 'fast-check'
import { hasPhrase } from '../../src/rounds/stop-phrase.ts'
import { by, usePartyWorld } from '../workers/party-world.ts'
import { expectLinear } from './growth.ts'

describe('Field 12: stop phrases are whole words', () => {
  const found: Array<[phrase: string, text: string]> = [
    ['done', 'We are done.'],
    ['done', 'DONE'],
    ['done', '**Done**!'],
    ['done', '_done_'],
    ['done', '"done"'],
    ['done', 'abandoned, then done'],
    ['done', 'well-done'],
    ['done', 'done。'],
    ['done', '我们 done 了'],
    ['done', '我们done了'],
    ['done', 'ｄｏｎｅ'],
    ['ＤＯＮＥ', 'done'],
    ['[[DONE]]', 'So.[[DONE]]'],
    ['[[DONE]]', 'So [[done]] it is'],
    ['[[DONE]]', 'x［［ＤＯＮＥ］］y'],
    ['完了', '作業は完了しました'],
    ['完了', '完了'],
    ['完成', '任务已完成。'],
    ['จบ', 'เราคุยจบแล้ว'],
    ['끝', '이제 끝.'],
    ['완료', '작업이 완료되었습니다'],
    ['تم', 'لقد تم!'],
    ['גמרנו', 'זהו, גמרנו.'],
    ['bitti', 'İŞ BİTTİ.'],
    ['İŞ BİTTİ', 'iş bitti'],
    ['fertig', 'FERTIG'],
    ['Schluß', 'SCHLUSS.'],
    ['τέλος', 'ΤΈΛΟΣ'],
    ['café', 'Au cafe\u0301.'],
    ['xong rồi', 'Xong ro\u0302\u0300i!'],
    ['we are done', 'So we  are\n\tdone now'],
    ['we are done', 'we\u00a0are\u3000done'],
    ['we  are\ndone', 'we are done'],
    ["we're done", 'We’re done!'],
    ['accord', "C'est l'accord final"],
    ['✅', 'All✅right'],
    ['it is over.', 'It is over. Bye'],
    ['C++', 'I say C++!'],
    ['3.5', 'Version 3.5.'],
    ['do\u00adne', 'done'],
    ['done', 'd\u200bone'],
    ['🎉 done 🎉', 'now 🎉 Done 🎉'],
  ]
  const absent: Array<[phrase: string, text: string]> = [
    ['done', 'We abandoned it.'],
    ['done', 'Condone'],
    ['done', 'doner kebab'],
    ['done', 'is_done'],
    ['done', 'done2'],
    ['can', "I can't"],
    ['end', 'the weekend'],
    ['end', 'a trend, to send'],
    ['конец', 'наконец'],
    ['fin', 'enfin'],
    ['cafe', 'café'],
    ['완료', '미완료'],
    ['3', '3.5'],
    ['תם', 'סתם'],
    ['we are done', 'we are not done'],
    ['[[DONE]]', '[DONE]'],
    ['x.*', 'xyz'],
    ['a deal', 'an ideal'],
    ['a deal', 'a dealer'],
    ['\u200b', 'anything'],
  ]
  for (const [phrase, text] of found)
    it(`${JSON.stringify(phrase)} is in ${JSON.stringify(text)}`, () => expect(hasPhrase(text, phrase)).to.equal(true))
  for (const [phrase, text] of absent)
    it(`${JSON.stringify(phrase)} is not in ${JSON.stringify(text)}`, () =>
      expect(hasPhrase(text, phrase)).to.equal(false))

  it('a phrase between spaces is found in any form, case and white space', () => {
    const phrase = fc.constantFrom('we are done', '[[DONE]]', '完了', 'café fini', 'İş bitti', '작업 완료')
    const form = fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD')
    const space = fc.constantFrom(' ', '\n', '\u00a0', ' \r\n ', '\u3000')
    fc.assert(
      fc.property(phrase, form, space, fc.string(), fc.string(), (wanted, normal, gap, before, after) => {
        const text = `${before} ${wanted.normalize(normal).replaceAll(' ', gap)} ${after}`
        expect(hasPhrase(text, wanted)).to.equal(true)
      }),
      { numRuns: 300 },
    )
  })

  it('takes steps that grow with the text, whatever it is made of', () => {
    for (const [phrase, piece] of [
      ['aaaa', 'a'],
      ['done', 'abandoned '],
      ['a b', 'a '],
      ['é', 'e\u0301'],
      ['. .', '. '],
    ] as const)
      expectLinear((n) => hasPhrase(piece.repeat(n), phrase), piece)
  })

  describe('over the wire', () => {
    const world = usePartyWorld()
    const turnsUntil = async (phrase: string, words: string[]): Promise<[number, string | null]> => {
      const { user, agentIds } = await world.guests(['Ada', 'Otto'])
      for (const [index, text] of words.entries())
        world.llm.replyOnce({ when: by(index % 2 === 0 ? 'Ada' : 'Otto'), text })
      const body = { agentIds, message: 'Begin.', maxTurns: words.length, stop: { phrase } }
      const { runId } = await user.accept('/api/chat/multi-agent', body)
      const run = await user.finished(runId)
      return [run.turns.length, run.stopReason]
    }

    it('a party goes on over a part of a word and stops at the word', async () => {
      expect(
        await turnsUntil('done', ['I abandoned it.', 'Condone it.', 'Well, ＤＯＮＥ!', 'Not heard.']),
      ).to.deep.equal([3, 'phrase'])
    })

    it('a party stops at a phrase in a script without spaces, and at one of signs', async () => {
      expect(await turnsUntil('完了', ['まだです。', '作業は完了しました。', '…'])).to.deep.equal([2, 'phrase'])
      expect(await turnsUntil('[[DONE]]', ['DONE', 'So be it.[[done]]', '…'])).to.deep.equal([2, 'phrase'])
    })
  })
})
