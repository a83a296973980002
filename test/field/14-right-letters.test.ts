import { expect } from 'chai'
import { encode } from '../support/encodings.ts'
import { zip } from '../support/file-corpus.ts'
import { read } from './reading.ts'

const RUSSIAN =
  'Договор аренды помещения был подписан вчера обеими сторонами в присутствии нотариуса. Стороны согласны со всеми условиями.'
const JAPANESE = '会議は来週に延期されました。東京タワーの高さは三百三十三メートルです。契約書に署名してください。'
const CHINESE = '会议已推迟到下周。请在合同上签字，并将副本寄给我们的办公室。租金每月支付一次。'
const KOREAN = '회의는 다음 주로 연기되었습니다. 계약서에 서명하고 사본을 우리 사무실로 보내 주십시오.'
const GERMAN =
  'Die Häuser am Fluß sind schön, sagte der Bürgermeister. Größere Änderungen gibt es nächstes Jahr für alle.'
const CZECH =
  'Příliš žluťoučký kůň úpěl ďábelské ódy. Smlouva byla podepsána včera oběma stranami za přítomnosti notáře.'

const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16()

describe('Field 14: texts keep their letters', () => {
  const plain = async (content: Buffer) => (await read('a.txt', 'text/plain', content)).text
  const html = async (content: Buffer) => (await read('a.html', 'text/html', content)).text

  it('reads every mark of Unicode', async () => {
    for (const [mark, body] of [
      ['efbbbf', Buffer.from(GERMAN)],
      ['fffe', Buffer.from(GERMAN, 'utf16le')],
      ['feff', utf16be(GERMAN)],
      ['fffe0000', Buffer.from(Uint32Array.from(Array.from(GERMAN, (sign) => sign.codePointAt(0) ?? 0)).buffer)],
    ] as const) {
      expect(await plain(Buffer.concat([Buffer.from(mark, 'hex'), body])), mark).to.equal(GERMAN)
    }
  })

  it('reads UTF-16 without a mark', async () => {
    expect(await plain(Buffer.from(GERMAN, 'utf16le'))).to.equal(GERMAN)
    expect(await plain(utf16be(GERMAN))).to.equal(GERMAN)
    expect(await plain(Buffer.from(RUSSIAN, 'utf16le'))).to.equal(RUSSIAN)
  })

  it('loses one letter to a broken byte in UTF-8, not all of them', async () => {
    const broken = Buffer.concat([Buffer.from(`${RUSSIAN}\n`), Buffer.from([0xff]), Buffer.from(`\n${GERMAN}`)])
    const text = await plain(broken)
    expect(text).to.contain(RUSSIAN).and.to.contain(GERMAN)
    expect(await plain(Buffer.from(RUSSIAN).subarray(0, -1)), 'cut inside of a letter').to.contain('подписан')
  })

  it('believes what a page says of itself', async () => {
    for (const [label, text] of [
      ['windows-1251', RUSSIAN],
      ['koi8-r', RUSSIAN],
      ['iso-8859-2', CZECH],
    ] as const) {
      const page = `<html><head><meta charset="${label}"></head><body><p>${text}</p></body></html>`
      expect(await html(encode(label, page)), label).to.equal(text)
      const older = `<html><head><meta http-equiv="Content-Type" content="text/html; charset=${label}"></head><p>${text}</p></html>`
      expect(await html(encode(label, older)), label).to.equal(text)
    }
    const japanese = `<meta charset=shift_jis><p>${JAPANESE}</p>`
    expect(await html(encode('shift_jis', japanese))).to.equal(JAPANESE)
  })

  it('believes the declaration of XML, with or without HTML around it', async () => {
    const page = `<?xml version="1.0" encoding="windows-1251"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>${RUSSIAN}</p></body></html>`
    expect((await read('a.xhtml', 'application/xhtml+xml', encode('windows-1251', page))).text).to.equal(RUSSIAN)
  })

  it('believes bytes more than a declaration that they do not keep', async () => {
    const page = `<meta charset="iso-8859-1"><p>${RUSSIAN}</p>`
    expect(await html(Buffer.from(page)), 'valid UTF-8').to.equal(RUSSIAN)
    const wrong = `<meta charset="utf-8"><p>${RUSSIAN}</p>`
    expect(await html(encode('windows-1251', wrong)), 'no UTF-8 at all').to.equal(RUSSIAN)
  })

  it('guesses what says nothing of itself', async () => {
    for (const [label, text] of [
      ['windows-1251', RUSSIAN],
      ['koi8-r', RUSSIAN],
      ['windows-1252', GERMAN],
    ] as const) {
      expect(await plain(encode(label, text)), label).to.equal(text)
    }
    for (const [label, text] of [
      ['shift_jis', JAPANESE],
      ['euc-jp', JAPANESE],
      ['gbk', CHINESE],
      ['euc-kr', KOREAN],
    ] as const) {
      expect(await plain(encode(label, text.repeat(3))), label).to.equal(text.repeat(3))
    }
  })

  it('reads Japanese mail’s encoding, whose bytes are all ASCII', async () => {
    const jis = (text: string) => encode('euc-jp', text).map((byte) => (byte > 0x80 ? byte & 0x7f : byte))
    const bytes = Buffer.concat([Buffer.from('\x1b$B', 'latin1'), jis('会議'), Buffer.from('\x1b(B ok', 'latin1')])
    expect(await plain(bytes)).to.equal('会議 ok')
  })

  it('reads chapters of a book each in its own encoding', async () => {
    const chapter = (label: string, text: string) =>
      `<?xml version="1.0" encoding="${label}"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>${text}</p></body></html>`
    const book = zip([
      { name: 'mimetype', data: 'application/epub+zip', stored: true },
      {
        name: 'META-INF/container.xml',
        data: '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
      },
      {
        name: 'b.opf',
        data: '<package><manifest><item id="a" href="a.xhtml"/><item id="b" href="b.xhtml"/><item id="c" href="c.xhtml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/><itemref idref="c"/></spine></package>',
      },
      {
        name: 'a.xhtml',
        data: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(chapter('utf-16', GERMAN), 'utf16le')]),
      },
      { name: 'b.xhtml', data: encode('windows-1251', chapter('windows-1251', RUSSIAN)) },
      { name: 'c.xhtml', data: utf16be(chapter('utf-16', CZECH)) },
    ])
    expect((await read('b.epub', 'application/epub+zip', book)).text).to.equal([GERMAN, RUSSIAN, CZECH].join('\n'))
  })

  it('reads tables and notes in old encodings like texts', async () => {
    const table = `Имя,Сумма\nДоговор аренды помещения,100\nДоговор подряда и поставки,200\n`
    expect((await read('a.csv', 'text/csv', encode('windows-1251', table))).text).to.equal(table.trim())
    const notes = `# ${GERMAN}\nFür später.`
    expect((await read('a.md', 'text/markdown', encode('windows-1252', notes))).chunks[0]?.heading).to.equal(GERMAN)
  })
})
