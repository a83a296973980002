import { expect } from 'chai'
import { searchTerms } from '../../src/storage/search-terms.ts'
import { likeWords } from '../../src/storage/word-likeness.ts'
import { cleanText } from '../../workers/file-parsing/chunks.ts'
import { decodeText } from '../../workers/file-parsing/text-encoding.ts'
import { DOCX, PPTX, XLSX } from '../support/file-corpus.ts'
import { cost, MOST } from './growth.ts'
import { openDocument, p, r, sheetFile, slideFile, wordFile } from './office.ts'
import { pdfOf, placed } from './pdfs.ts'
import { read } from './reading.ts'

const RUNS = 2

const open = (kind: string, body: string) =>
  openDocument(kind, `<o:document xmlns:o="urn:o" xmlns:t="urn:t"><o:body>${body}</o:body></o:document>`)

/** What is read, and its beginning size: large enough that reading it takes far longer than starting to. */
const INPUTS: ReadonlyArray<
  [what: string, name: string, type: string, n: number, make: (n: number) => Buffer | string]
> = [
  [
    'cells of one row of HTML',
    'a.html',
    'text/html',
    12_000,
    (n) => `<table><tr>${'<td>x</td>'.repeat(n)}</tr></table>`,
  ],
  ['rows of HTML', 'a.html', 'text/html', 6_000, (n) => `<table>${'<tr><td>x<td>y'.repeat(n)}</table>`],
  ['elements of HTML that are never closed', 'a.html', 'text/html', 15_000, (n) => '<div><b>x'.repeat(n)],
  [
    'ends of elements that were never begun',
    'a.html',
    'text/html',
    6_000,
    (n) => `${'<div>'.repeat(n)}${'</b>x'.repeat(n)}`,
  ],
  ['spaces of HTML', 'a.html', 'text/html', 400_000, (n) => `<p>a${' '.repeat(n)}b</p>`],
  ['headings of HTML', 'a.html', 'text/html', 2_500, (n) => '<h2>x</h2>y'.repeat(n)],
  ['pieces of a title', 'a.html', 'text/html', 20_000, (n) => `<title>${'&amp;x '.repeat(n)}</title><p>y`],
  ['attributes of HTML', 'a.html', 'text/html', 30_000, (n) => `<p ${'a="b" '.repeat(n)}>x</p>`],
  ['brackets that are no elements', 'a.html', 'text/html', 100_000, (n) => `<p>${'<'.repeat(n)}`],
  ['comments that do not end', 'a.html', 'text/html', 80_000, (n) => `<p>x${'<!--'.repeat(n)}`],
  ['spaces of text', 'a.txt', 'text/plain', 400_000, (n) => `a${' '.repeat(n)}b`],
  ['empty lines of text', 'a.txt', 'text/plain', 150_000, (n) => `a${' \n'.repeat(n)}b`],
  ['one endless word', 'a.txt', 'text/plain', 300_000, (n) => 'x'.repeat(n)],
  ['words', 'a.txt', 'text/plain', 8_000, (n) => 'the tide '.repeat(n)],
  ['Chinese signs', 'a.txt', 'text/plain', 12_000, (n) => '会议推迟'.repeat(n / 4)],
  ['signs between words', 'a.txt', 'text/plain', 200_000, (n) => '.-'.repeat(n / 2)],
  ['one endless number', 'a.txt', 'text/plain', 20_000, (n) => '1,'.repeat(n)],
  [
    'bytes of an old encoding',
    'a.txt',
    'text/plain',
    30_000,
    (n) => Buffer.alloc(n, Buffer.from('d4eec3eee220', 'hex')),
  ],
  ['lines of Markdown', 'a.md', 'text/markdown', 2_000, (n) => '# a\nb\n'.repeat(n)],
  ['spaces of a heading of Markdown', 'a.md', 'text/markdown', 100_000, (n) => `# a${' '.repeat(n)}#b`],
  ['lines of CSV', 'a.csv', 'text/csv', 5_000, (n) => 'a,b,c\n'.repeat(n)],
  ['brackets of JSON', 'a.json', 'application/json', 150_000, (n) => `${'['.repeat(n)}1${']'.repeat(n)}`],
  ['lines of JSON', 'a.jsonl', 'application/json', 5_000, (n) => '{"a": "b"}\n'.repeat(n)],
  ['groups of RTF', 'a.rtf', 'application/rtf', 8_000, (n) => `{\\rtf1 ${'{\\b x}'.repeat(n)}}`],
  ['paragraphs of RTF', 'a.rtf', 'application/rtf', 3_000, (n) => `{\\rtf1 ${'x\\par '.repeat(n)}}`],
  ['lines of a mail', 'a.eml', 'message/rfc822', 2_500, (n) => `Subject: x\r\n\r\n${'one two\r\n'.repeat(n)}`],
  ['heads of a mail', 'a.eml', 'message/rfc822', 3_000, (n) => `${'X-A: b\r\n'.repeat(n)}Subject: x\r\n\r\ny`],
  ['paragraphs of Word', 'a.docx', DOCX, 1_500, (n) => wordFile(p(r('words')).repeat(n))],
  [
    'paragraphs of one cell of Word',
    'a.docx',
    DOCX,
    2_000,
    (n) => wordFile(`<w:tbl><w:tr><w:tc>${p(r('words')).repeat(n)}</w:tc></w:tr></w:tbl>`),
  ],
  ['runs of one paragraph of Word', 'a.docx', DOCX, 6_000, (n) => wordFile(p(r('x').repeat(n)))],
  [
    'rows of Excel',
    'a.xlsx',
    XLSX,
    1_200,
    (n) => sheetFile('<row><c><v>1</v></c><c t="inlineStr"><is><t>x</t></is></c></row>'.repeat(n)),
  ],
  [
    'pieces of one shared string',
    'a.xlsx',
    XLSX,
    5_000,
    (n) => sheetFile('<row><c t="s"><v>0</v></c></row>', { strings: `<si>${'<r><t>x </t></r>'.repeat(n)}</si>` }),
  ],
  [
    'paragraphs of a slide',
    'a.pptx',
    PPTX,
    6_000,
    (n) => slideFile(`<p:sp>${'<a:p><a:r><a:t>words</a:t></a:r></a:p>'.repeat(n)}</p:sp>`),
  ],
  ['paragraphs of OpenDocument', 'a.odt', '', 2_500, (n) => open('text', '<t:p>words</t:p>'.repeat(n))],
  [
    'rows of an OpenDocument sheet',
    'a.ods',
    '',
    1_500,
    (n) =>
      open(
        'spreadsheet',
        `<t:table t:name="S">${'<t:table-row><t:table-cell><t:p>x</t:p></t:table-cell></t:table-row>'.repeat(n)}</t:table>`,
      ),
  ],
  [
    'texts of a drawing',
    'a.svg',
    'image/svg+xml',
    500,
    (n) => `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${'<text>x</text>'.repeat(n)}</svg>`,
  ],
  [
    'pieces of a page of PDF',
    'a.pdf',
    'application/pdf',
    500,
    (n) =>
      pdfOf([
        {
          content: placed(
            Array.from({ length: n }, (_none, index) => [
              50 + (index % 50) * 10,
              700 - Math.floor(index / 50) * 0.5,
              'x',
            ]),
          ),
        },
      ]),
  ],
]

describe('Field 19: four times the file is at most six times the work', function () {
  this.timeout(60_000)

  for (const [what, name, type, n, make] of INPUTS) {
    it(`of ${what}`, async () => {
      const [small, large] = [make(n), make(4 * n)]
      // What is loaded the first time is no part of either.
      await read(name, type, make(10))
      const once = await cost(RUNS, () => read(name, type, small))
      const four = await cost(RUNS, () => read(name, type, large))
      expect(four / Math.max(once, 8), `${once.toFixed(0)} ms, then ${four.toFixed(0)} ms`).to.be.below(MOST)
    })
  }

  it('of what cleans, decodes, cuts and compares words', async () => {
    const cases: Array<(n: number) => void> = [
      (n) => void cleanText(`a${' '.repeat(20 * n)}\u2028`.repeat(2)),
      (n) => void searchTerms('12,345.67-AB '.repeat(n)),
      (n) => void searchTerms('-'.repeat(20 * n)),
      (n) => void searchTerms('e\u0301'.repeat(10 * n)),
      (n) => void decodeText(Buffer.alloc(20 * n, 0xe9)),
      (n) => void likeWords(['kowalski'], new Set(Array.from({ length: n }, (_none, index) => `kowal${index}`)), 3),
    ]
    for (const [index, work] of cases.entries()) {
      work(1_000)
      const once = await cost(RUNS, () => work(4_000))
      const four = await cost(RUNS, () => work(16_000))
      expect(four / Math.max(once, 8), `case ${index}: ${once.toFixed(0)} ms, then ${four.toFixed(0)} ms`).to.be.below(
        MOST,
      )
    }
  })

  it('refuses elements of XML that are nested beyond any document', async () => {
    const deep = wordFile(`${'<w:p>'.repeat(50_000)}${r('x')}`)
    expect((await read('a.docx', DOCX, deep)).refused?.code).to.equal('file.malformed')
  })

  it('reads 48,000 cells of HTML and 200,000 spaces', async () => {
    const cells = await read('a.html', 'text/html', `<table><tr>${'<td>x</td>'.repeat(48_000)}</tr></table>`)
    expect(cells.text.match(/x/g)).to.have.length(48_000)
    const spaces = await read('a.html', 'text/html', `<pre>a${' '.repeat(200_000)}b</pre>`)
    expect(spaces.text.replace(/\s+/g, ' ')).to.equal('a b')
  })
})
