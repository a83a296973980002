import { expect } from 'chai'
import fc from 'fast-check'
import { DeltaCleaner } from '../../workers/agent-runtime/delta-cleaner.ts'
import { allSpoken, by, linesOf, usePartyWorld } from '../workers/party-world.ts'

const OTHERS = [
  'Otto',
  'User',
  '小红',
  'José',
  'Clara Schumann',
  '🦊 Fox',
  'C++ (expert)',
  'דנה',
  'สมชาย',
  '민준',
  'İnci',
  '#1 Fan',
]

function clean(pieces: string[], name = 'Ada', others = OTHERS) {
  const cleaner = new DeltaCleaner(name, others)
  const shown = pieces.map((piece) => cleaner.push(piece))
  shown.push(cleaner.end())
  return { shown, text: shown.join(''), over: cleaner.over, passed: cleaner.passed, stored: cleaner.text }
}

describe('Field 11: nobody speaks for others', () => {
  const TEA = 'I like tea.'
  const ends: Array<[name: string, line: string]> = [
    ['the name and a colon', 'Otto: I like coffee.'],
    ["the user's label", 'User: And milk?'],
    ['another case', 'OTTO: coffee'],
    ['a full-width colon', '小红：我喜欢咖啡。'],
    ['a name in bold', '**Otto:** coffee'],
    ['a bold name', '**Otto**: coffee'],
    ['a whole bold line', '**Otto: coffee**'],
    ['brackets', '[Otto]: coffee'],
    ['full-width brackets', '【小红】：咖啡'],
    ['a heading', '### Otto: coffee'],
    ['quotes around the name', '"Otto": coffee'],
    ['white space before it', '   Otto : coffee'],
    ['a name of two words', 'Clara\u00a0Schumann: coffee'],
    ['combining accents', 'Jose\u0301: café'],
    ['an emoji', '🦊 Fox: coffee'],
    ['signs in the name', 'C++ (expert): coffee'],
    ['a name like a heading', '#1 Fan: coffee'],
    ['Hebrew, with marks of direction', '\u200fדנה\u200f: קפה'],
    ['Thai', 'สมชาย: กาแฟ'],
    ['Korean', '민준: 커피'],
    ['a Turkish i', 'İNCİ: kahve'],
    ['nothing behind the colon', 'Otto:'],
    ['its words in the next line', 'Otto:\ncoffee'],
    ['no space behind the colon', 'Otto:coffee'],
  ]
  for (const [what, line] of ends) {
    it(`a line that begins with ${what} ends the speech before it`, () => {
      for (const gap of ['\n', '\n\n', '\r\n', ' \n \n', '\u2028']) {
        const { text, over, stored } = clean([`${TEA}${gap}${line}\nAda: more`])
        expect({ text, over, stored }, JSON.stringify(gap)).to.deep.equal({ text: TEA, over: true, stored: TEA })
      }
    })
  }

  const kept: Array<[what: string, speech: string]> = [
    ['a list item', '- Otto: coffee\n- Ada: tea'],
    ['a list item with a star', 'So:\n* Otto: coffee\n* Ada: tea'],
    ['a numbered item', '1. Otto: coffee'],
    ['a quoted line', 'You said:\n> Otto: I like coffee.'],
    ['a quotation inside a sentence', 'He said "Otto: come here" and left.'],
    ['a quotation that begins a line', 'He said\n"Otto: come here" and left.'],
    ['an aside', 'Tea.\n(Otto: he likes coffee.)'],
    ['a name within a line', 'Well, Otto: I like tea.'],
    ['a name without a colon', 'Tea.\nOtto likes coffee: much.'],
    ['a part of a longer name', 'Tea.\nOttoline: a name.'],
    ['a longer name', 'Tea.\nOtto Hahn: a chemist.'],
    ['another name', 'Tea.\nMaria: a name.'],
    ['a table', '| Otto: | coffee |'],
    ['code', 'See:\n```yaml\nOtto: coffee\nUser: 1\n```\nThat is it.'],
    ['code in tildes', '~~~\nOtto: coffee\n```\nOtto: x\n~~~'],
    ['an emoticon', 'Tea.\nOtto :) you are funny.'],
    ['code with colons', 'Tea.\nOtto::drink()'],
    ['an address', 'Tea.\notto://page'],
    ["the speaker's own name", 'Tea.\nAda: and milk.'],
    ['more than a name', 'Tea.\nDear Otto: what now?'],
    ['a possessive', "Tea.\nOtto's: coffee"],
  ]
  for (const [what, speech] of kept) {
    it(`${what} stays`, () => {
      const { text, over } = clean([speech])
      expect({ text, over }).to.deep.equal({ text: speech, over: false })
    })
  }

  it('after code is over, lines count again', () => {
    expect(clean(['```\nOtto: 1\n```\nTea.\nOtto: coffee']).text).to.equal('```\nOtto: 1\n```\nTea.')
    expect(clean(['Use ```x``` here.\nOtto: coffee']).text).to.equal('Use ```x``` here.')
    expect(clean(['```x```\nOtto: coffee']).text).to.equal('```x```')
  })

  it('a speech that is only of others is empty, and a pass before them is a pass', () => {
    expect(clean(['Otto: coffee'])).to.deep.include({ text: '', over: true, passed: false })
    expect(clean(['[pass]\nOtto: coffee'])).to.deep.include({ text: '', over: true, passed: true })
    expect(clean(['Ada: Tea.\nOtto: coffee'])).to.deep.include({ text: 'Tea.', over: true })
  })

  it('the beginning of such a line is held back, and shown when it turns out to be none', () => {
    const { shown } = clean(['Tea.\nOt', 'to', ' ', 'is right.'])
    expect(shown).to.deep.equal(['Tea.', '', '', '\nOtto is right.', ''])
    expect(clean(['Tea.\n', '**Ot', 'to', '**', ':', ' x']).shown.join('|')).to.equal('Tea.||||||')
    expect(clean(['Tea. ', '\n\n', 'Milk']).shown).to.deep.equal(['Tea.', '', ' \n\nMilk', ''])
  })

  it('what comes out does not depend on how the text was cut, nor is anything shown that is not kept', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'Otto',
        'Ada',
        'User',
        '小红',
        'Jose\u0301',
        '🦊 Fox',
        'Clara Schumann',
        'C++ (expert)',
        '#1 Fan',
        '[pass]',
      ),
      fc.constantFrom(
        ':',
        '：',
        '\n',
        '\r\n',
        ' ',
        '*',
        '**',
        '"',
        '[',
        ']',
        '`',
        '```',
        '~~~',
        '- ',
        '> ',
        '# ',
        '(',
        ')',
        '/',
        '\0',
        '\u200f',
      ),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    )
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 12 }), (whole, cuts) => {
        const places = [...new Set(cuts)].filter((at) => at < whole.length).sort((a, b) => a - b)
        const pieces = [...places, whole.length].map((end, index) => whole.slice(places[index - 1] ?? 0, end))
        const [once, cut, units] = [clean([whole]), clean(pieces), clean(whole.split(''))]
        for (const way of [cut, units])
          expect({ text: way.text, over: way.over, passed: way.passed }).to.deep.equal({
            text: once.text,
            over: once.over,
            passed: once.passed,
          })
        expect(cut.stored).to.equal(cut.text)
      }),
      { numRuns: 2_000 },
    )
  })

  it('every way to dress a name is known from its first sign on', () => {
    const dress = fc.constantFrom(
      ['', ''],
      ['*', '*'],
      ['**', '**'],
      ['__', '__'],
      ['[', ']'],
      ['"', '"'],
      ['**[', ']**'],
      ['【', '】'],
      ['## ', ''],
    )
    const normal = fc.constantFrom('NFC', 'NFD')
    fc.assert(
      fc.property(
        fc.constantFrom(...OTHERS),
        dress,
        normal,
        fc.constantFrom(':', '：', ' :'),
        (name, [open, close], form, colon) => {
          const line = `${open}${name.normalize(form)}${close}${colon} coffee`
          expect(clean(`${TEA}\n${line}`.split('')), line).to.deep.include({ text: TEA, over: true })
        },
      ),
      { numRuns: 400 },
    )
  })

  describe('over the wire', () => {
    const world = usePartyWorld()

    it('the speech ends there, the provider is stopped, and the run goes on', async () => {
      const { user, agentIds } = await world.guests(['Ada', 'Otto'])
      const held = world.llm.hold(6)
      world.llm
        .replyOnce({
          when: by('Ada'),
          text: `I like tea.\nOtto: I like coffee. ${'And so on. '.repeat(20)}`,
          hold: held,
        })
        .reply({ when: by('Otto'), text: 'Mine is milk.\nUser: Well then.' })
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Tea?',
        maxTurns: 2,
      })
      const request = await held.reached
      expect(await request.ended, 'the stream that would speak for Otto').to.equal('aborted')
      const run = await user.finished(runId)
      expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
      expect(world.llm.requests, 'nothing was asked twice').to.have.length(2)
      expect(await linesOf(user, conversationId)).to.deep.equal([
        [null, 'Tea?'],
        ['Ada', 'I like tea.'],
        ['Otto', 'Mine is milk.'],
      ])
    })

    it("a speech that begins with somebody else's line is a pass, asked for once", async () => {
      const { user, agentIds } = await world.guests(['Ada', 'Otto'])
      world.llm.replyOnce({ when: by('Ada'), text: 'Otto: I like coffee.' }).reply({ when: by('Otto'), text: 'Milk.' })
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Tea?',
        maxTurns: 2,
      })
      expect(await user.finished(runId)).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
      expect(world.llm.requests, 'nothing was asked twice').to.have.length(2)
      expect(await linesOf(user, conversationId)).to.deep.equal([
        [null, 'Tea?'],
        ['Otto', 'Milk.'],
      ])
    })

    it("live text never has the beginning of somebody else's line", async () => {
      const { user, agentIds } = await world.guests(['Ada', 'Otto'])
      const held = world.llm.hold(4)
      world.llm.replyOnce({
        when: by('Ada'),
        text: 'I like tea.\nOtto is right about coffee.',
        chunkSize: 4,
        hold: held,
      })
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Tea?',
        maxTurns: 1,
      })
      await held.reached
      await allSpoken(world.app.container.feed, conversationId)
      const [live] = await world.app.container.feed.read(conversationId)
      expect('I like tea.').to.satisfy((all: string) => all.startsWith(live?.text ?? '?'))
      held.release()
      await user.finished(runId)
      expect((await linesOf(user, conversationId)).at(-1)).to.deep.equal([
        'Ada',
        'I like tea.\nOtto is right about coffee.',
      ])
    })
  })
})
