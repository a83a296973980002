import { expect } from 'chai'
import fc from 'fast-check'
import { addressed, named } from '../../src/rounds/addressing.ts'
import { by, linesOf, usePartyWorld } from '../workers/party-world.ts'
import { expectLinear } from './growth.ts'

/** Participants by their names; the name is the id. */
const people = (...names: string[]) => names.map((name) => ({ id: name, name }))

type Case = [text: string, called: string[], room?: string[]]

const ROOM = ['Ada', 'José', '小红', 'アダ', '민준', 'สมชาย', 'أحمد', 'דנה', 'İnci', 'Nguyễn Văn An', 'Νίκος', '🦊 Fox']

const CASES: Record<string, Case[]> = {
  'however it is written': [
    ['Jose\u0301, what do you think?', ['José']],
    ['JOSÉ: what do you think?', ['José']],
    ['＠Ａｄａ what do you think?', ['Ada']],
    ['What do you think, ada\u200b?', ['Ada']],
    ['@inci, ne dersin?', ['İnci']],
    ['@İNCİ ne dersin?', ['İnci']],
    ['@INCI ne dersin?', ['İnci']],
    ['Inci, ne dersin?', ['Inci'], ['Işıl', 'Inci']],
    ['@IŞIL, sen?', ['Işıl'], ['Işıl', 'Ada']],
    ['Τι λες, ΝΊΚΟΣ;', ['Νίκος']],
    ['STRASSE, what now?', ['Straße'], ['Straße', 'Ada']],
    ['@Nguye\u0302\u0303n Va\u0306n An, anh nghĩ sao?', ['Nguyễn Văn An']],
    ['@Nguyễn\u00a0Văn\u3000An, anh nghĩ sao?', ['Nguyễn Văn An']],
    ['Nguyễn ơi, anh nghĩ sao?', [], ['Nguyen', 'Ada']],
    ['Trần ơi, anh nghĩ sao?', ['Trần'], ['Trần', 'Ada']],
    ['Señor José, ¿qué piensa?', ['José']],
    ['Dr. Ada, what now?', ['Ada']],
    ['I met Dr. Ada, and she knew.', []],
    ['O’Brien, what do you think?', ["O'Brien"], ["O'Brien", 'Ada']],
  ],
  'in scripts without spaces': [
    ['@小红你怎么看？', ['小红']],
    ['小红，你怎么看？', ['小红']],
    ['小红你怎么看？', ['小红']],
    ['你怎么看，小红？', ['小红']],
    ['小红：你怎么看', ['小红']],
    ['这个方案不好。小红，说说你的看法', ['小红']],
    ['请小红回答这个问题。', ['小红']],
    ['小红呢？', ['小红']],
    ['小红老师，您怎么看？', ['小红']],
    ['小红和Ada，你们怎么看？', ['小红', 'Ada']],
    ['小红说得对。', []],
    ['小红的看法很好。', []],
    ['我同意小红的看法，但是成本太高。', []],
    ['＠小红　你怎么看？', ['小红']],
    ['大家好。@小红你怎么看？', ['小红']],
    ['你好，@小红', ['小红']],
    ['@小红，@Ada：你们怎么看', ['小红', 'Ada']],
    ['大家好@小红你怎么看', []],
    ['@小红帽你怎么看？', ['小红帽'], ['小红', '小红帽']],
    ['小红，小红帽说得对吗？', ['小红'], ['小红', '小红帽']],
    ['@小紅你怎麼看？', [], ['小红', 'Ada']],
    ['Ada你怎么看？', ['Ada']],
    ['Ada，你怎么看？', ['Ada']],
    ['@Ada你怎么看？', ['Ada']],
    ['明天见。', [], ['明', 'Ada']],
    ['明，你怎么看？', ['明'], ['明', 'Ada']],
  ],
  'with Japanese titles and particles': [
    ['アダさん、どう思いますか？', ['アダ']],
    ['どう思いますか、アダさん？', ['アダ']],
    ['@アダさんはどう思いますか', ['アダ']],
    ['アダさんはどう思いますか。', ['アダ']],
    ['ｱﾀﾞさん、どう思う？', ['アダ']],
    ['アダ先生、教えてください。', ['アダ']],
    ['Adaさん、どう思いますか？', ['Ada']],
    ['Ada-san, what do you think?', ['Ada']],
    ['「アダさん、どう思いますか？」', ['アダ']],
    ['アダさんの意見に賛成です。', []],
    ['アダプターは便利です。', []],
    ['田中さん、どうですか？', ['田中'], ['田中', '中']],
  ],
  'with Korean particles and titles': [
    ['@민준은 어떻게 생각해?', ['민준']],
    ['민준아, 어떻게 생각해?', ['민준']],
    ['민준아 어떻게 생각해?', ['민준']],
    ['민준님, 어떻게 생각하세요?', ['민준']],
    ['민준 씨, 어떻게 생각하세요?', ['민준']],
    ['민준님은 어떻게 생각하세요?', ['민준']],
    ['어떻게 생각해, 민준아?', ['민준']],
    ['민준의 의견이 좋아요.', []],
    ['민준호, 어떻게 생각해?', [], ['민준', 'Ada']],
    ['@민준호 어떻게 생각해?', ['민준호'], ['민준', '민준호']],
    ['Ada는 어떻게 생각해?', ['Ada']],
    ['Ada님, 어떻게 생각하세요?', ['Ada']],
  ],
  'in Thai': [
    ['@สมชายคิดอย่างไร', ['สมชาย']],
    ['สมชาย คุณคิดว่าอย่างไร', ['สมชาย']],
    ['คุณสมชายคิดอย่างไรครับ?', ['สมชาย']],
    ['คุณคิดอย่างไร, สมชาย?', ['สมชาย']],
    ['เห็นด้วยกับสมชายมาก', []],
  ],
  'from right to left': [
    ['أحمد، ما رأيك؟', ['أحمد']],
    ['ما رأيك، أحمد؟', ['أحمد']],
    ['ما رأيك يا أحمد؟', ['أحمد']],
    ['@أحمد ما رأيك؟', ['أحمد']],
    ['أَحْمَدُ، ما رأيك؟', ['أحمد']],
    ['وأحمد، ما رأيك؟', ['أحمد']],
    ['أوافق أحمد في رأيه.', []],
    ['דנה, מה דעתך?', ['דנה']],
    ['מה דעתך, דנה?', ['דנה']],
    ['\u200f@דנה\u200f מה דעתך?', ['דנה']],
    ['לדנה, אני חושב, יש רעיון.', []],
  ],
  'by full-width and other punctuation': [
    ['我不同意！小红，你呢', ['小红']],
    ['¿José, qué piensas?', ['José']],
    ['¿Qué piensas, José?', ['José']],
    ["Ada : qu'en penses-tu\u202f?", ['Ada']],
    ["Qu'en penses-tu, Ada\u00a0?", ['Ada']],
    ['„Ada, was meinst du?“', ['Ada']],
    ['I agree… Ada, and you?', ['Ada']],
    ['Ada！', ['Ada']],
  ],
  'with an @ that is one': [
    ['Send it to info@ada.example. José, what do you think?', ['José']],
    ['Write to José@Ada today.', []],
    ['See root@ada and user@Ada, please.', []],
    ['(@Ada) is it safe?', ['Ada']],
    ['"@Ada, is it safe?"', ['Ada']],
    ['**@Ada** is it safe?', ['Ada']],
    ['@**Ada**: is it safe?', ['Ada']],
    ['It is safe?\n@Ada', ['Ada']],
    ['- @Ada: costs\n- @José: risks', ['Ada', 'José']],
    ['@Ada@José', []],
    ['@Adam, is it safe?', []],
    ['@ada_bot, is it safe?', []],
    ['@Ada.', ['Ada']],
    ["@Ada's turn", ['Ada']],
    ['Ask a@b.example, @Ada', ['Ada']],
  ],
  'not in code, addresses and links': [
    ['```\n@Ada\n```\nJosé, what is this?', ['José']],
    ['```py\nAda, run()\n', []],
    ['~~~~\n@Ada\n~~~\n@Ada\n~~~~\n@José', ['José']],
    ['Use `@Ada` here.', []],
    ['Use ``a ` @Ada`` here, José.', ['José']],
    ['A ` alone. @Ada?', ['Ada']],
    ['Look:\n\n    @Ada\n    def run():\n\n@José, why?', ['José']],
    ['https://x.example/@Ada, José, is it yours?', ['José']],
    ['See https://ada.example/Ada?a=Ada, please.', []],
    ['看https://x.example/@Ada。小红，你怎么看？', ['小红']],
    ['https://x.example小红你怎么看？', ['小红']],
    ['Read [the page](/people/@Ada) first, José!', ['José']],
    ['[@Ada](https://x.example/ada), is it yours?', ['Ada']],
    ['mailto:ada@x.example?to=@Ada', []],
    ['www.ada.example, José?', ['José']],
    ['Ada.txt, what is it?', []],
    ['@Node.js, what is it?', ['Node.js'], ['Node.js', 'Ada']],
    ['<https://x.example/@Ada>\n@José', ['José']],
  ],
  'the longest name': [
    ['@Ann, and you?', ['Ann'], ['Ann', 'Anna', 'Ann Lee']],
    ['@Anna, and you?', ['Anna'], ['Ann', 'Anna', 'Ann Lee']],
    ['@Ann Lee, and you?', ['Ann Lee'], ['Ann', 'Anna', 'Ann Lee']],
    ['Annika, and you?', [], ['Ann', 'Anna', 'Ann Lee']],
    ['Jean-Paul, and you?', ['Jean-Paul'], ['Jean', 'Jean-Paul', 'Paul']],
    ['@R2D2, and you?', ['R2D2'], ['R2', 'R2D2']],
    ['林黛玉，你怎么看？', ['林黛玉'], ['林', '林黛玉', '黛玉']],
  ],
  'dressed in Markdown, with emoji and signs': [
    ['**Ada**, is it safe?', ['Ada']],
    ['*Ada:* is it safe?', ['Ada']],
    ['1. Ada, check the costs.\n2. José, check the risks.', ['Ada', 'José']],
    ['- Ada, check the costs.', ['Ada']],
    ['@🦊 Fox, and you?', ['🦊 Fox']],
    ['Fox, and you?', ['🦊 Fox']],
    ['🦊, and you?', ['🦊'], ['🦊', 'Ada']],
    ['👩‍💻, and you?', ['👩‍💻'], ['👩', '👩‍💻']],
    ['@C++ (expert), and you?', ['C++ (expert)'], ['C++ (expert)', 'C']],
    ['@Dr. Ada Byron, and you?', ['Dr. Ada Byron'], ['Dr. Ada Byron', 'Otto']],
    ['Ada, and you?', ['Dr. Ada Byron'], ['Dr. Ada Byron', 'Otto']],
    ['The end, then.', [], ['The Critic', 'Otto']],
  ],
}

describe('Field 9: who is addressed', () => {
  for (const [kind, cases] of Object.entries(CASES)) {
    describe(kind, () => {
      for (const [text, called, room = ROOM] of cases) {
        it(`${JSON.stringify(text)} calls ${called.join(' and ') || 'nobody'}`, () => {
          expect(addressed(text, people(...room))).to.deep.equal(called)
        })
      }
    })
  }

  it('a name is found where it is only spoken of, for whoever hands over without a call', () => {
    expect(named('我把话交给小红了', people(...ROOM))).to.deep.equal(['小红'])
    expect(named('אני מעביר לדנה', people(...ROOM))).to.deep.equal(['דנה'])
    expect(named("Ayşe'ye soralım", people('Ayşe', 'Ada'))).to.deep.equal(['Ayşe'])
    expect(named('민준에게 물어봅시다', people(...ROOM))).to.deep.equal(['민준'])
    expect(named('adventure@ada.example and `Ada`', people(...ROOM))).to.deep.equal([])
  })

  it('a name written in any normal form, in any case, in front of any text without code or an @ is called', () => {
    const name = fc.constantFrom(...ROOM)
    const form = fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD')
    const change = fc.constantFrom(
      (text: string) => text,
      (text: string) => text.toLowerCase(),
    )
    fc.assert(
      fc.property(
        name,
        form,
        change,
        fc.string().map((text) => text.replace(/[@`]/g, '')),
        (who, normal, recase, rest) => {
          expect(addressed(`@${recase(who.normalize(normal))} ${rest}`, people(...ROOM))).to.deep.equal([who])
        },
      ),
      { numRuns: 300 },
    )
  })

  it('takes steps that grow with the text, whatever it is made of', () => {
    const room = people('Ada', '哈哈', 'a'.repeat(60), 'アア', '민', 'b c')
    for (const piece of [
      'a',
      '哈',
      '@',
      '`',
      '``` `',
      'a.',
      'a@',
      'Ada, ',
      '](',
      'http://',
      '민은는이가',
      'b ',
      '\n',
      '(',
      "Ada's ",
    ])
      expectLinear((n) => addressed(piece.repeat(n), room), piece)
    expectLinear((n) =>
      addressed(Array.from({ length: Math.sqrt(n) * 2 }, (_, i) => '`'.repeat(i + 1)).join(' '), room),
    )
  })

  describe('over the wire', () => {
    const world = usePartyWorld()

    it('in a party of names from many scripts, whoever is addressed speaks next', async () => {
      const { user, agentIds } = await world.guests(['Ada', '小红', 'アダ', 'José'])
      world.llm
        .reply({ when: by('小红'), text: '成本很高。アダさん、どう思いますか？' })
        .reply({ when: by('アダ'), text: 'Send it to info@ada.example. Jose\u0301, what do you think?' })
        .reply({ when: by('José'), text: 'Fine.' })
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: '@小红你怎么看？',
        strategy: 'mention',
        maxTurns: 3,
      })
      await user.finished(runId)
      const speakers = (await linesOf(user, conversationId)).map(([name]) => name)
      expect(speakers).to.deep.equal([null, '小红', 'アダ', 'José'])
    })
  })
})
