import { deflateSync } from 'node:zlib'
import { expect } from 'chai'
import type { Trait } from '../../src/connections/dialects/traits.ts'
import { readableAnswer } from '../../src/connections/dialects/wire-body.ts'
import type { ResolvedConnection } from '../../src/connections/provider.ts'
import { languageModel } from '../../src/connections/provider-factory.ts'
import { ProviderNetwork } from '../../src/connections/provider-network.ts'
import { ReadingShares } from '../../src/connections/reading-shares.ts'
import { addressed } from '../../src/rounds/addressing.ts'
import { plainSpeech } from '../../src/rounds/plain-speech.ts'
import { DOCX, zip } from '../support/file-corpus.ts'
import { expectWhole, useField } from './field-world.ts'
import { expectLinear } from './growth.ts'
import { openDocument, relationships, wordFile } from './office.ts'
import { objectsFrom, pdfOf, pictureObject, placed } from './pdfs.ts'
import { read, readInProcess } from './reading.ts'
import { C, D, E, F, good, T } from './wires.ts'

describe('Strangers: what a server, a name or a file sends to do harm', function () {
  this.timeout(60_000)

  describe('servers', () => {
    const field = useField()
    const bytes = (text: string) => new TextEncoder().encode(text)

    it('a flood is passed on in pieces, so that whoever reads can stop it', async () => {
      const flood = bytes(C('word '.repeat(10_000)))
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += flood.length
          // More than any answer may have, so that nothing waits for ever.
          if (sent > 20_000_000) controller.close()
          else controller.enqueue(flood)
        },
      })
      const answer = await readableAnswer(new Response(body), 'openai', { onLife: () => {} })
      await answer.body?.getReader().read()
      expect(sent).to.be.below(2_000_000)
    })

    it('a flood beyond an ordinary answer is left in its socket until it may be read, and loses nothing', async () => {
      const words = Array.from({ length: 20_000 }, (_, n) => `${n} `)
      const packets = words.map((word) => bytes(C(word)))
      const size = packets.reduce((sum, packet) => sum + packet.length, 0)
      let sent = 0
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const packet = packets.splice(0, 400)
            if (packet.length === 0) {
              controller.enqueue(bytes(`${F('stop')}${D}`))
              return controller.close()
            }
            const together = Buffer.concat(packet)
            sent += together.length
            controller.enqueue(together)
          },
        },
        { highWaterMark: 0 },
      )
      const due: (() => void)[] = []
      const shares = new ReadingShares({ now: () => 0, later: (work) => void due.push(work) })
      const other = shares.readerOf('flood')
      other(300 * 1_024)
      const mayRead = shares.readerOf('flood')
      const answer = await readableAnswer(new Response(body), 'openai', { onLife: () => {}, mayRead })
      const text = answer.text()
      // Whatever goes on in the loop meanwhile, nobody has given leave.
      for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve))
      expect(sent).to.be.below(size / 10)
      let turns = 0
      const isRead = text.then(() => true)
      while (!(await Promise.race([isRead, new Promise<false>((resolve) => setImmediate(resolve, false))]))) {
        due.shift()?.()
        turns += 1
      }
      expect(turns, 'piece by piece').to.be.greaterThan(size / (16 * 1_024))
      const said = [...(await text).matchAll(/"content":"([^"]*)"/g)].map(([, word = '']) => word).join('')
      expect(said).to.equal(words.join(''))
    })

    it('signs of life behind an end do not put it off', async () => {
      let timer: NodeJS.Timeout | undefined
      let hungUp = () => {}
      const hangUp = new Promise<void>((resolve) => {
        hungUp = resolve
      })
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(bytes(`${T}${F('stop')}`))
          timer = setInterval(() => controller.enqueue(bytes(': ping\n\n')), 200)
        },
        cancel: () => {
          clearInterval(timer)
          hungUp()
        },
      })
      const answer = await readableAnswer(new Response(body), 'openai', { onLife: () => {} })
      expect(await answer.text()).to.contain('"finish_reason":"stop"')
      await hangUp
    })

    it('a flood in the place of a decision, a title or minutes is refused before it is counted', async () => {
      const model = languageModel(
        { provider: 'openai-compatible', baseUrl: 'http://127.0.0.1/v1', apiKey: null },
        'm',
        {
          fetch: async () => new Response(`${C('word '.repeat(10_000)).repeat(60)}${F('stop')}${D}`),
        },
      )
      const failure: unknown = await model
        .doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'Who?' }] }], maxOutputTokens: 100 })
        .then(
          () => undefined,
          (error: unknown) => error,
        )
      expect(failure).to.deep.include({ code: 'wire.bad_response' })
    })

    it('usage of more than can be is counted anew', async () => {
      const usage = { prompt_tokens: 900_000_000, completion_tokens: 900_000_000 }
      const { run, answer } = await field.ask(() => `${T}${F('stop')}${E({ choices: [], usage })}${D}`)
      expect(answer).to.equal('Whole answer.')
      expect(run.receipt.estimated).to.equal(true)
      expect(run.receipt.inputTokens).to.be.within(10, 2_000)
      expect(run.receipt.outputTokens).to.be.within(2, 10)
    })

    it('thoughts behind the own name are not shown live either', async () => {
      const watcher = field.watcher()
      const { answer } = await field.ask(async () => {
        await watcher.look()
        return good('Ada: <think>A secret plan.</think>I like tea.')
      })
      await watcher.stop()
      expect(answer).to.equal('I like tea.')
      expect(watcher.seen.some((event) => event.type === 'turn.delta')).to.equal(true)
      expect(JSON.stringify(watcher.seen)).to.not.contain('secret')
    })

    for (const [words, agent, member] of [
      ['temperature must be between 0 and 1', { temperature: 1.7 }, 'temperature'],
      ['Invalid temperature: must be less than or equal to 1', { temperature: 1.7 }, 'temperature'],
      [
        "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: 'low', 'medium', and 'high'.",
        { reasoningEffort: 'minimal' },
        'reasoning_effort',
      ],
    ] as const)
      it(`one agent's wrong value is left out of its call, and taken from nobody else: ${words}`, async () => {
        const refused = { status: 400, type: 'application/json', body: JSON.stringify({ error: { message: words } }) }
        const outcome = await field.ask(({ body }) => (body[member] === undefined ? good('Whole answer.') : refused), {
          agent,
        })
        expectWhole(outcome, 'Whole answer.', { requests: 2 })
        expect(
          await field.app.container.db.query(
            `SELECT dialects FROM connections WHERE dialects::text ~ 'no_temperature|no_reasoning_effort'`,
          ),
        ).to.deep.equal([])
      })

    it("what anybody can have a model say is not learnt of the platform's connections", async () => {
      const learnt: Array<[scope: string, traits: Trait[]]> = []
      const network = new ProviderNetwork({
        allow: [],
        production: false,
        platformUrls: [],
        remember: async ({ scope }, _model, traits) => {
          learnt.push([scope, traits])
        },
      })
      const connection = (scope: ResolvedConnection['scope']): ResolvedConnection => ({
        ...{ id: 'x', scope, name: 'x', provider: 'openai-compatible', baseUrl: 'http://127.0.0.1/v1' },
        ...{ model: 'm', apiKey: null, dialects: {} },
      })
      for (const scope of ['user', 'platform'] as const) {
        const learn = network.learnerFor(connection(scope), 'm')
        await learn(['thinks', 'thinks_unopened'])
        await learn(['no_temperature'])
      }
      await network.close()
      expect(learnt).to.deep.equal([
        ['user', ['thinks', 'thinks_unopened']],
        ['user', ['no_temperature']],
        ['platform', ['thinks']],
        ['platform', ['no_temperature']],
      ])
    })
  })

  describe('words', () => {
    const ada = [{ id: '1', name: 'Ada' }]

    for (const title of ['dr ', 'señor ', 'السيد '])
      it(`a hundred thousand times "${title}" before a name is read`, () => {
        expect(addressed(`${title.repeat(100_000)}Ada?`, ada)).to.deep.equal([])
        expect(addressed(`${title.repeat(2)}Ada?`, ada)).to.deep.equal(['1'])
      })

    it('open links grow with their number', () => {
      expectLinear((n) => plainSpeech('](\n'.repeat(n * 10)))
    })
  })

  describe('files', () => {
    const odt = (body: string, type = 'text') =>
      openDocument(type, `<o:document-content xmlns:o="o" xmlns:t="t">${body}</o:document-content>`, { stored: false })
    const ODT = 'application/vnd.oasis.opendocument.text'

    for (const level of ['0', '-3', '2.5', '4000000000', 'x', ''])
      it(`an OpenDocument's heading of level "${level}" is read`, async () => {
        const file = odt(`<t:h t:outline-level="1">One</t:h><t:h t:outline-level="${level}">Two</t:h><t:p>three</t:p>`)
        expect((await read('a.odt', ODT, file)).text).to.equal('One\nTwo\nthree')
      })

    it('an OpenDocument of a kind that objects have by nature is refused', async () => {
      expect((await read('a.odt', ODT, odt('', 'constructor'))).refused?.code).to.equal('file.type_unsupported')
    })

    it('so is an Office file of such a root', async () => {
      const file = zip([
        { name: '_rels/.rels', data: relationships([['rId1', 'officeDocument', 'a.xml']]) },
        { name: 'a.xml', data: '<constructor/>' },
      ])
      expect((await read('a.docx', DOCX, file)).refused?.code).to.equal('file.type_unsupported')
    })

    for (const [what, source] of [
      ['a level below none', '{\\rtf1 \\outlinelevel-5 words\\par more}'],
      ['a control word that objects have by nature', '{\\rtf1 \\constructor words\\par more}'],
    ] as const)
      it(`Rich Text with ${what} is read`, async () => {
        expect((await read('a.rtf', 'application/rtf', source)).text).to.equal('words\nmore')
      })

    for (const level of ['-2', '1.5', '1e9'])
      it(`a Word list of level "${level}" is read`, async () => {
        const file = wordFile(
          `<w:p><w:pPr><w:numPr><w:ilvl w:val="${level}"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>words</w:t></w:r></w:p>`,
          {
            numbering: `<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="${level}"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>`,
          },
        )
        expect((await read('a.docx', DOCX, file)).text).to.equal('words')
      })

    it('a picture that would take all memory costs a PDF its picture, not its words', async () => {
      const side = 20_000
      const data = deflateSync(Buffer.alloc((side * side) / 8))
      const file = pdfOf(
        [
          { content: 'q 612 0 0 792 0 0 cm /I Do Q', xobject: `/I ${objectsFrom(2)} 0 R` },
          { content: placed([[50, 700, 'Words that anybody can read.']]) },
        ],
        [pictureObject(data, side, side, { space: 'DeviceGray', bits: 1, filter: 'FlateDecode' })],
      )
      const { text } = await readInProcess('a.pdf', 'application/pdf', file)
      expect(text).to.contain('Words that anybody can read.')
    })
  })
})
