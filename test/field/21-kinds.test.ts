import { expect } from 'chai'
import sharp from 'sharp'
import type { ZipEntry } from '../support/file-corpus.ts'
import { startWireServer } from '../support/wire-server.ts'
import { openDocument } from './office.ts'
import { objectsFrom, pdfOf, pictureObject, placed } from './pdfs.ts'
import { read, readInProcess } from './reading.ts'

const NAMES =
  'xmlns:office="urn:o" xmlns:text="urn:t" xmlns:table="urn:b" xmlns:draw="urn:d" xmlns:presentation="urn:p" xmlns:style="urn:s" xmlns:fo="urn:f" xmlns:dc="urn:c"'

const written = (kind: string, body: string, { styles = '', beside = [] as ZipEntry[] } = {}) =>
  openDocument(
    kind,
    `<?xml version="1.0"?><office:document-content ${NAMES}><office:automatic-styles>${styles}</office:automatic-styles><office:body>${body}</office:body></office:document-content>`,
    { beside },
  )

describe('Field 21: OpenDocument', () => {
  it('reads texts: headings, lists, tables, notes, spaces, remarks, headers; not what was deleted or hidden', async () => {
    const file = written(
      'text',
      '<office:text><text:tracked-changes><text:p>deleted</text:p></text:tracked-changes><text:h text:outline-level="1">Tides</text:h><text:p>High<text:s text:c="2"/>water<text:tab/>at<text:line-break/>noon<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note</text:p></text:note-body></text:note>.</text:p>' +
        '<text:h text:outline-level="2">Harbours</text:h><text:list><text:list-item><text:p>Bristol</text:p></text:list-item></text:list><text:p>Seen <text:span text:style-name="T1">hidden</text:span>again<office:annotation><dc:creator>Ada</dc:creator><text:p>Sure?</text:p></office:annotation></text:p>' +
        '<table:table><table:table-row><table:table-cell><text:p>Height</text:p></table:table-cell><table:table-cell><text:p>14 m</text:p></table:table-cell></table:table-row></table:table></office:text>',
      {
        styles: '<style:style style:name="T1"><style:text-properties text:display="none"/></style:style>',
        beside: [
          {
            name: 'styles.xml',
            data: `<office:styles ${NAMES}><style:header><text:p>Page head</text:p></style:header></office:styles>`,
          },
        ],
      },
    )
    const { chunks, contentType } = await read('a.odt', 'application/vnd.oasis.opendocument.text', file)
    expect(contentType).to.equal('application/vnd.oasis.opendocument.text')
    expect(chunks.map(({ heading, text }) => [heading, text])).to.deep.equal([
      ['Tides', 'Tides\nA note\nHigh  water\tat\nnoon.'],
      ['Tides > Harbours', 'Harbours\nBristol\nComment: Sure?\nSeen again\nHeight | 14 m'],
      ['Headers and footers', 'Page head'],
    ])
  })

  it('reads sheets as they are shown, with repeated cells, and not a million empty ones', async () => {
    const cell = (text: string, attributes = '') =>
      `<table:table-cell ${attributes}><text:p>${text}</text:p></table:table-cell>`
    const file = written(
      'spreadsheet',
      `<office:spreadsheet><table:table table:name="Sales"><table:table-row>${cell('Day')}${cell('Share', 'office:value="0.15"')}<table:table-cell table:number-columns-repeated="16382"/></table:table-row><table:table-row table:number-rows-repeated="3"/><table:table-row>${cell('May 1')}${cell('15%', 'table:number-columns-repeated="2"')}</table:table-row><table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table></office:spreadsheet>`,
    )
    const { chunks } = await read('a.ods', 'application/vnd.oasis.opendocument.spreadsheet', file)
    expect(chunks.map(({ heading, cells, text }) => [heading, cells, text])).to.deep.equal([
      ['Sales: Day | Share', 'A1:C5', 'Day | Share\nMay 1 | 15% | 15%'],
    ])
  })

  it('reads slides as pages with titles and notes', async () => {
    const frame = (type: string, text: string) =>
      `<draw:frame presentation:class="${type}"><draw:text-box><text:p>${text}</text:p></draw:text-box></draw:frame>`
    const file = written(
      'presentation',
      `<office:presentation><draw:page>${frame('title', 'Why')}${frame('outline', 'Because')}<presentation:notes>${frame('notes', 'Slowly')}</presentation:notes></draw:page><draw:page>${frame('title', 'How')}</draw:page></office:presentation>`,
    )
    const { chunks, pages } = await read('a.odp', 'application/vnd.oasis.opendocument.presentation', file)
    expect(chunks.map(({ page, text }) => [page, text.trim()])).to.deep.equal([
      [1, 'Why\nBecause\nNotes: Slowly'],
      [2, 'How'],
    ])
    expect(pages).to.equal(2)
  })

  it('refuses those with a password', async () => {
    const file = written('text', 'x', {
      beside: [
        { name: 'META-INF/manifest.xml', data: '<m:manifest xmlns:m="urn:m"><m:encryption-data/></m:manifest>' },
      ],
    })
    expect((await read('a.odt', '', file)).refused?.code).to.equal('file.encrypted')
  })
})

describe('Field 21: Rich Text', () => {
  const rtf = async (source: string) => (await read('a.rtf', 'application/rtf', Buffer.from(source, 'latin1'))).chunks

  it('reads paragraphs, signs, Unicode and headings, and leaves the rest out', async () => {
    const source = String.raw`{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset2 Symbol;}}{\colortbl;\red0;}{\stylesheet{\s0 Normal;}{\s1 heading 1;}}{\info{\title Secret title}}{\*\generator Word;}\pard\s1 Tides\par\pard caf\'e9 \u8364? \emdash {\b bold}\par {\f1 \'cf\'f0\'e8\'e2\'e5\'f2}{\f2 a}\line next\par{\v hidden}\{braces\}\~x\_y{\pict\wmetafile8 0102ff}\par}`
    expect((await rtf(source)).map(({ heading, text }) => [heading, text])).to.deep.equal([
      ['Tides', 'Tides\ncafé € —bold\nПриветα\nnext\n{braces} x-y'],
    ])
  })

  it('reads tables as rows, the numbers of lists, and code pages of East Asia', async () => {
    const source = String.raw`{\rtf1\ansi\ansicpg932\pard{\listtext 1.\tab}One\par\trowd\pard\intbl Name\cell Age\cell\row\pard\intbl Ada\cell 36\cell\row\pard \'93\'8c\'8b\'9e\par \u26481\'93\u20140\'8b ok\par}`
    const [chunk] = await rtf(source)
    expect(chunk?.text.replace(/\s*\|\s*/g, '|').split(/\n/)).to.deep.equal([
      '1.\tOne',
      'Name|Age|Ada|36|東京',
      '東京 ok',
    ])
  })

  it('is known by its content, also when a program calls it DOC or text', async () => {
    for (const [name, type] of [
      ['a.doc', 'application/msword'],
      ['a.rtf', 'text/plain'],
      ['a', 'application/octet-stream'],
    ] as const) {
      expect(await read(name, type, '{\\rtf1 x}'), name).to.include({ contentType: 'application/rtf', text: 'x' })
    }
  })
})

describe('Field 21: mails', () => {
  const mail = async (lines: string[]) => (await read('a.eml', 'message/rfc822', lines.join('\r\n'))).text

  it('reads heads, words and the names of what is attached, not what that holds', async () => {
    const text = await mail([
      'From: =?UTF-8?Q?Zo=C3=AB?= <zoe@example.com>',
      'To: Ada <ada@example.com>, otto@example.com',
      'Subject: =?utf-8?B?R2V6ZWl0ZW4g8J+Mig==?=',
      'Date: Fri, 1 May 2026 10:00:00 +0000',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: multipart/alternative; boundary=c',
      '',
      '--c',
      'Content-Type: text/plain; charset=windows-1251',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '=CF=F0=E8=E2=E5=F2, tide at =',
      'noon',
      '--c',
      'Content-Type: text/html',
      '',
      '<p>the same</p>',
      '--c--',
      '--b',
      'Content-Type: application/pdf',
      'Content-Disposition: attachment; filename="tides.pdf"',
      'Content-Transfer-Encoding: base64',
      '',
      'JVBERi0xLjQKSECRET',
      '--b--',
      '',
    ])
    expect(text).to.contain('Gezeiten 🌊').and.to.contain('Zoë <zoe@example.com>').and.to.contain('otto@example.com')
    expect(text).to.contain('Привет, tide at noon').and.to.contain('tides.pdf (application/pdf)')
    expect(text).to.not.contain('JVBER').and.to.not.contain('the same')
  })

  it('reads mails that are only HTML, and bodies in base64', async () => {
    const html = await mail([
      'Subject: x',
      'Content-Type: text/html; charset=utf-8',
      '',
      '<h1>Hi</h1><p>caf&eacute; <script>no()</script></p>',
    ])
    expect(html).to.contain('café').and.to.not.contain('no()')
    const base64 = await mail([
      'Subject: x',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('grüße').toString('base64'),
    ])
    expect(base64).to.contain('grüße')
  })
})

/** A red picture of 64 by 48, as a phone would store it: no library that makes such is at hand in tests. */
const HEIC = [
  'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAa1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRt',
  'AAAAAAACAAAAEGlkYXQAAAAAAEAAMAAAADhpbG9jAQAAAERAAAIAAQAAAAAAAAHRAAEAAAAAAAAAGgACAAEAAAAAAAAAAQAAAAAAAAAIAAAA',
  'OGlpbmYAAAAAAAIAAAAVaW5mZQIAAAEAAQAAaHZjMQAAAAAVaW5mZQIAAAAAAgAAZ3JpZAAAAADYaXBycAAAALZpcGNvAAAAdmh2Y0MBA3AA',
  'AAAAAAAAAAAe8AD8/fj4AAAPAyAAAQAYQAEMAf//A3AAAAMAkAAAAwAAAwAeugJAIQABACpCAQEDcAAAAwCQAAADAAADAB6gIIEFlurkprm4',
  'EBAwIAAAAwAgAAADACEiAAEABkQBwXPAiQAAABRpc3BlAAAAAAAAAEAAAABAAAAAFGlzcGUAAAAAAAAAQAAAADAAAAAQcGl4aQAAAAADCAgI',
  'AAAAGmlwbWEAAAAAAAAAAgABAoECAAICA4QAAAAaaXJlZgAAAAAAAAAOZGltZwACAAEAAQAAACJtZGF0AAAAFigBrxmA70mlv//Opn/TIL/g',
  '2taY+bg=',
].join('')

describe('Field 21: pictures', () => {
  const picture = () => sharp({ create: { width: 60, height: 40, channels: 3, background: '#336699' } })

  it('reads TIFF, and every page of one that has several', async () => {
    const one = await readInProcess('a.tiff', 'image/tiff', await picture().tiff().toBuffer())
    expect(one).to.deep.include({ contentType: 'image/tiff', image: true, scans: [] })
    const pages = await sharp([await picture().png().toBuffer(), await picture().negate().png().toBuffer()], {
      join: { animated: true },
    })
      .tiff()
      .toBuffer()
    expect((await readInProcess('b.tif', 'image/tiff', pages)).scans).to.deep.equal([1, 2])
  })

  it('reads HEIC, and takes it for nothing else', async () => {
    const { image, contentType } = await readInProcess('IMG_1.HEIC', 'image/heic', Buffer.from(HEIC, 'base64'))
    expect([image, contentType]).to.deep.equal([true, 'image/heic'])
    const named = await readInProcess('IMG_1.jpg', 'image/jpeg', Buffer.from(HEIC, 'base64'))
    expect(named.refused?.code).to.equal('file.type_mismatch')
  })

  it('draws SVG, and reads its words but not its scripts', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><title>Chart</title><style>.a{}</style><script>steal()</script><rect width="200" height="100" fill="red"/><text x="5" y="20">North <tspan>Sea</tspan></text><text x="5" y="40">Tide</text></svg>'
    const { image, text, contentType } = await readInProcess('a.svg', 'image/svg+xml', svg)
    expect([image, contentType]).to.deep.equal([true, 'image/svg+xml'])
    expect(text.split('\n').filter(Boolean)).to.deep.equal(['Chart', 'North Sea', 'Tide'])
  })

  it('reads the words of an SVG that cannot be drawn', async () => {
    const { image, text } = await readInProcess(
      'a.svg',
      'image/svg+xml',
      '<svg xmlns="http://www.w3.org/2000/svg"><text>Words</text>',
    )
    expect([image, text]).to.deep.equal([false, 'Words'])
  })

  it('opens no other file and no address for a drawing', async () => {
    const server = await startWireServer()
    const svg = `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="20"><image xlink:href="file:///etc/hostname" width="9" height="9"/><image href="${server.url}/x.png" width="9" height="9"/><text>&x;ok</text></svg>`
    try {
      expect((await readInProcess('a.svg', 'image/svg+xml', svg)).text).to.not.contain('root:')
      expect(server.requests).to.deep.equal([])
    } finally {
      await server.stop()
    }
  })

  it('keeps the pages of a scan as pictures, and only those', async () => {
    const jpeg = await picture().jpeg().toBuffer()
    const first = objectsFrom(4)
    const scanned = { content: 'q 600 0 0 400 0 200 cm /I Do Q', xobject: `/I ${first} 0 R` }
    const file = pdfOf(
      [
        scanned,
        { content: placed([[50, 700, 'A page of words, with more than a few of them.']]) },
        { content: '' },
        { ...scanned, content: `${scanned.content} ${placed([[300, 20, '4']])}` },
      ],
      [pictureObject(jpeg, 60, 40)],
    )
    const { scans, pages, text } = await readInProcess('scan.pdf', 'application/pdf', file)
    expect(scans).to.deep.equal([1, 4])
    expect(pages).to.equal(4)
    expect(text).to.contain('A page of words')
  })
})
