import { expect } from 'chai'
import { DOCX, PPTX, XLSX, zip } from '../support/file-corpus.ts'
import { relationships } from './office.ts'
import { read, readInProcess } from './reading.ts'

const XML = '<?xml version="1.0" encoding="UTF-8"?>'
const STRICT = 'http://purl.oclc.org/ooxml/officeDocument/relationships'
const TYPES = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

describe('Field 15: a document is what its relations say', () => {
  const word = (main: string, prefix = 'w', types = TYPES) =>
    zip([
      { name: '_rels/.rels', data: relationships([['rId1', 'officeDocument', main]], types) },
      {
        name: main.replace(/^\//, ''),
        data: `${XML}<${prefix}:document xmlns:${prefix}="urn:w"><${prefix}:body><${prefix}:p><${prefix}:pPr><${prefix}:pStyle ${prefix}:val="T"/></${prefix}:pPr><${prefix}:r><${prefix}:t>Found it</${prefix}:t></${prefix}:r></${prefix}:p></${prefix}:body></${prefix}:document>`,
      },
      {
        name: main.replace(/^\//, '').replace(/([^/]+)$/, '_rels/$1.rels'),
        data: relationships([['rId9', 'styles', 'looks/mine.xml']], types),
      },
      {
        name: `${main.replace(/^\//, '').replace(/[^/]+$/, '')}looks/mine.xml`,
        data: `${XML}<s:styles xmlns:s="urn:w"><s:style s:styleId="T"><s:name s:val="heading 2"/></s:style></s:styles>`,
      },
    ])

  for (const [what, main, prefix, types] of [
    ['of Word Online, called document2.xml', 'word/document2.xml', 'w', TYPES],
    ['whose main part is named from the root', '/word/document.xml', 'w', TYPES],
    ['in a folder of any name, with any prefix', 'mein Text/inhalt.xml', 'x', TYPES],
    ['of the strict edition', 'word/document.xml', 'w', STRICT],
  ] as const) {
    it(`reads a document ${what}`, async () => {
      const { chunks } = await read('a.docx', DOCX, word(main, prefix, types))
      expect(chunks.map(({ heading, text }) => [heading, text])).to.deep.equal([['Found it', 'Found it']])
    })
  }

  it('reads a document whose parts are named in another case', async () => {
    const file = zip([
      { name: '_rels/.rels', data: relationships([['rId1', 'officeDocument', 'Word/Document.xml']]) },
      {
        name: 'word/document.xml',
        data: '<w:document xmlns:w="urn:w"><w:p><w:r><w:t>x</w:t></w:r></w:p></w:document>',
      },
    ])
    expect((await read('a.docx', DOCX, file)).text).to.equal('x')
  })

  it('reads a document without any prefix, and in UTF-16', async () => {
    const data =
      '<?xml version="1.0" encoding="UTF-16"?><document xmlns="urn:w"><body><p><r><t>bare ö</t></r></p></body></document>'
    const file = zip([
      { name: '_rels/.rels', data: relationships([['rId1', 'officeDocument', 'a.xml']]) },
      { name: 'a.xml', data: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(data, 'utf16le')]) },
    ])
    expect((await read('a.docx', DOCX, file)).text).to.equal('bare ö')
  })

  it('finds strings, styles and sheets of a workbook by the types of their relations', async () => {
    const file = zip([
      { name: '_rels/.rels', data: relationships([['rId1', 'officeDocument', 'book/wb.xml']]) },
      {
        name: 'book/wb.xml',
        data: `<x:workbook xmlns:x="urn:x" xmlns:rel="${TYPES}"><x:sheets><x:sheet name="One" sheetId="1" rel:id="q2"/><x:sheet name="Two" sheetId="2" rel:id="q1"/></x:sheets></x:workbook>`,
      },
      {
        name: 'book/_rels/wb.xml.rels',
        data: relationships([
          ['q1', 'worksheet', 's/b.xml'],
          ['q2', 'worksheet', '/book/s/a.xml'],
          ['q3', 'sharedStrings', 'words.xml'],
          ['q4', 'styles', 'looks.xml'],
        ]),
      },
      { name: 'book/words.xml', data: '<x:sst xmlns:x="urn:x"><x:si><x:t>shared</x:t></x:si></x:sst>' },
      {
        name: 'book/looks.xml',
        data: '<x:styleSheet xmlns:x="urn:x"><x:cellXfs><x:xf numFmtId="9"/></x:cellXfs></x:styleSheet>',
      },
      {
        name: 'book/s/a.xml',
        data: '<x:worksheet xmlns:x="urn:x"><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c></x:row></x:worksheet>',
      },
      {
        name: 'book/s/b.xml',
        data: '<x:worksheet xmlns:x="urn:x"><x:row r="1"><x:c r="A1" s="0"><x:v>0.5</x:v></x:c></x:row></x:worksheet>',
      },
    ])
    const { chunks } = await read('a.xlsx', XLSX, file)
    expect(chunks.map(({ heading, text, cells }) => [heading, text, cells])).to.deep.equal([
      ['One: shared', 'shared', 'A1:A1'],
      ['Two: 50%', '50%', 'A1:A1'],
    ])
  })

  it('orders slides by their relations, whatever the prefix of the reference', async () => {
    const slide = (text: string) =>
      `<q:sld xmlns:q="urn:p" xmlns:d="urn:a"><q:sp><d:p><d:r><d:t>${text}</d:t></d:r></d:p></q:sp></q:sld>`
    const file = zip([
      { name: '_rels/.rels', data: relationships([['rId1', 'officeDocument', 'deck/main.xml']]) },
      {
        name: 'deck/main.xml',
        data: `<q:presentation xmlns:q="urn:p" xmlns:ref="${TYPES}"><q:sldIdLst><q:sldId id="1" ref:id="b"/><q:sldId id="2" ref:id="a"/></q:sldIdLst></q:presentation>`,
      },
      {
        name: 'deck/_rels/main.xml.rels',
        data: relationships([
          ['a', 'slide', 'one.xml'],
          ['b', 'slide', 'two.xml'],
        ]),
      },
      { name: 'deck/one.xml', data: slide('shown last') },
      { name: 'deck/two.xml', data: slide('shown first') },
    ])
    const { chunks, pages } = await read('a.pptx', PPTX, file)
    expect(chunks.map(({ page, text }) => [page, text])).to.deep.equal([
      [1, 'shown first'],
      [2, 'shown last'],
    ])
    expect(pages).to.equal(2)
  })

  it('knows an Office file by its main part, not by the folder it is in', async () => {
    const file = zip([
      { name: '_rels/.rels', data: relationships([['rId1', 'officeDocument', 'word/wb.xml']]) },
      { name: 'word/wb.xml', data: '<workbook xmlns="urn:x"/>' },
    ])
    expect((await read('a.docx', DOCX, file)).refused?.code).to.equal('file.type_mismatch')
    expect((await read('a.xlsx', XLSX, file)).refused).to.equal(undefined)
  })
})

describe('Field 15: books and XHTML keep the rules of XML', () => {
  const book = (chapter: string, { mimetype = true, type = 'application/xhtml+xml' } = {}) =>
    zip([
      ...(mimetype ? [{ name: 'mimetype', data: 'application/epub+zip', stored: true }] : []),
      {
        name: 'META-INF/container.xml',
        data: '<c:container xmlns:c="urn:c"><c:rootfiles><c:rootfile full-path="text/b.opf"/></c:rootfiles></c:container>',
      },
      {
        name: 'text/b.opf',
        data: `<o:package xmlns:o="urn:o"><o:manifest><o:item id="a" href="ch.xhtml" media-type="${type}"/></o:manifest><o:spine><o:itemref idref="a"/></o:spine></o:package>`,
      },
      { name: 'text/ch.xhtml', data: chapter },
    ])
  const chapter = (head: string, body: string) =>
    `${XML}<html xmlns="http://www.w3.org/1999/xhtml"><head>${head}</head><body>${body}</body></html>`

  it('reads the chapter after an empty title, script and anchor', async () => {
    const file = book(chapter('<title/><script src="a.js"/><style/>', '<h1>One</h1><p>It <a id="x"/>began.</p>'))
    const { text, chunks } = await read('b.epub', 'application/epub+zip', file)
    expect(text).to.contain('It began.')
    expect(chunks[0]?.heading).to.equal('One')
  })

  it('knows the entities of HTML and CDATA there', async () => {
    const file = book(chapter('<title>T</title>', '<p>caf&eacute;&nbsp;&mdash; A&amp;B &#8364; <![CDATA[1 < 2]]></p>'))
    expect((await read('b.epub', 'application/epub+zip', file)).text).to.equal('café — A&B € 1 < 2')
  })

  it('knows a book by its container, with or without the file that names its type', async () => {
    const file = book(chapter('<title>T</title>', '<p>Known.</p>'), { mimetype: false })
    expect(await read('b.epub', 'application/epub+zip', file)).to.include({
      text: 'Known.',
      contentType: 'application/epub+zip',
    })
  })

  it('reads XHTML files as such, and HTML as browsers do', async () => {
    const xhtml = chapter('<title/>', '<p>Here.</p>')
    expect((await read('a.xhtml', 'application/xhtml+xml', xhtml)).text).to.equal('Here.')
    expect((await read('a.html', 'text/html', xhtml)).text).to.equal('Here.')
    const html = '<p>one<p>two<br>three<li>four<li>five<table><tr><td>a<td>b<tr><td>c</table>'
    expect((await readInProcess('b.html', 'text/html', html)).text.replace(/\n+/g, '\n')).to.equal(
      'one\ntwo\nthree\nfour\nfive\na | b\nc',
    )
  })
})
