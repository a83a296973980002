import { expect } from 'chai'
import { DOCX, docx, PPTX, XLSX } from '../support/file-corpus.ts'
import { p, r, shape, sheetFile, slideFile, wordFile } from './office.ts'
import { objectsFrom, pdfOf, placed } from './pdfs.ts'
import { read } from './reading.ts'

describe('Field 20: pages of PDF are neither glued nor torn', () => {
  const page = async (...texts: Parameters<typeof placed>[0]) =>
    (await read('a.pdf', 'application/pdf', pdfOf([{ content: placed(texts) }]))).text

  it('keeps columns apart', async () => {
    expect(await page([50, 700, '37,499.96'], [150, 700, 'DISTRICT'], [300, 700, 'Total'])).to.match(
      /^37,499\.96\s+DISTRICT\s+Total$/,
    )
  })

  it('takes a narrow gap for a space and none for none', async () => {
    // Helvetica: "Hello" is 27.3 wide at 12 points, "Wo" 18.
    expect(await page([50, 700, 'Hello'], [81, 700, 'there'])).to.equal('Hello there')
    expect(await page([50, 700, 'Hello'], [77.4, 700, 'there'])).to.equal('Hellothere')
  })

  it('takes a new baseline for a line, and a raised number for none', async () => {
    expect(await page([50, 700, 'first line'], [50, 686, 'second line'])).to.equal('first line\nsecond line')
    expect(await page([50, 700, 'E = mc'], [87, 704, '2', 7])).to.match(/^E = mc ?2$/)
  })

  it('joins what a hyphen cut at the end of a line', async () => {
    expect(await page([50, 700, 'a hyphen-'], [50, 686, 'ated word'])).to.equal('a hyphenated word')
  })

  it('reads columns that are drawn one after the other as they are drawn', async () => {
    const text = await page(
      [300, 700, 'right one'],
      [300, 686, 'right two'],
      [50, 700, 'left one'],
      [50, 686, 'left two'],
    )
    expect(text.split('\n')).to.deep.equal(['right one', 'right two', 'left one', 'left two'])
  })

  it('reads notes on a page and text that was typed onto it', async () => {
    const first = objectsFrom(1)
    const file = pdfOf(
      [{ content: placed([[50, 700, 'Body']]), page: `/Annots [${first} 0 R ${first + 1} 0 R ${first + 2} 0 R]` }],
      [
        '<< /Type /Annot /Subtype /FreeText /Rect [50 600 200 650] /DA (/F1 12 Tf) /Contents (Typed onto it) >>',
        '<< /Type /Annot /Subtype /Text /Rect [50 500 70 520] /Contents (Check this) >>',
        '<< /Type /Annot /Subtype /Highlight /Rect [50 700 90 712] /QuadPoints [50 712 90 712 50 700 90 700] /Contents (Important) >>',
      ],
    )
    const { text } = await read('a.pdf', 'application/pdf', file)
    expect(text.split('\n')).to.deep.equal(['Body', 'Typed onto it', 'Note: Check this', 'Note: Important'])
  })

  it('loses one page to a damaged page, not the file', async () => {
    const whole = pdfOf([
      { content: placed([[50, 700, 'One']]) },
      { content: 'x' },
      { content: placed([[50, 700, 'Three']]) },
    ])
    const damaged = Buffer.from(
      whole.toString('latin1').replace('6 0 obj\n<< /Type /Page', '6 0 obj\n<< /Type /Pags'),
      'latin1',
    )
    const { chunks, pages } = await read('a.pdf', 'application/pdf', damaged)
    expect(chunks.map(({ page, text }) => [page, text])).to.deep.include.members([[1, 'One']])
    expect(chunks.map(({ text }) => text)).to.include('Three')
    expect(pages).to.equal(3)
  })
})

describe('Field 20: nothing of a Word document is missing', () => {
  const word = async (...args: Parameters<typeof wordFile>) => read('a.docx', DOCX, wordFile(...args))

  it('reads headers, footers, notes and comments, each once', async () => {
    const header = p(r('Confidential draft'))
    const { text } = await word(p(r('Body')), {
      'header 1': header,
      'header 2': header,
      footer: p(r('Acme Ltd')),
      'footer 2': p(r('12')),
      footnotes: `<w:footnote>${p(r('A footnote'))}</w:footnote>`,
      endnotes: `<w:endnote>${p(r('An endnote'))}</w:endnote>`,
      comments: `<w:comment w:author="Ada">${p(r('Really?'))}</w:comment>`,
    })
    expect(text.split('\n')).to.deep.equal([
      'Body',
      'A footnote',
      'An endnote',
      'Comment by Ada: Really?',
      'Confidential draft',
      'Acme Ltd',
    ])
  })

  const numbering =
    '<w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl><w:lvl w:ilvl="2"><w:start w:val="4"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="(%3)"/></w:lvl></w:abstractNum>' +
    '<w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/><w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr></w:lvl></w:abstractNum>' +
    '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num><w:num w:numId="3"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
  const item = (text: string, list: number, level = 0) =>
    p(r(text), `<w:numPr><w:ilvl w:val="${level}"/><w:numId w:val="${list}"/></w:numPr>`)

  it('writes the numbers of lists, which Word only shows', async () => {
    const body =
      item('one', 1) +
      item('two', 1) +
      item('under', 1, 1) +
      item('again', 1, 1) +
      item('deep', 1, 2) +
      item('three', 1) +
      item('point', 2) +
      item('anew', 3)
    const { text } = await word(body, { numbering })
    expect(text.split('\n')).to.deep.equal([
      '1. one',
      '2. two',
      '2.a) under',
      '2.b) again',
      '(IV) deep',
      '3. three',
      '• point',
      '1. anew',
    ])
  })

  it('knows headings by what a style is based on, by their own level, and by numbered styles', async () => {
    const styles =
      '<w:style w:styleId="H1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>' +
      '<w:style w:styleId="Mine"><w:name w:val="Kapitel"/><w:basedOn w:val="H1"/></w:style>' +
      '<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>'
    const body =
      p(r('Chapter'), '<w:pStyle w:val="Mine"/>') +
      p(r('Part'), '<w:outlineLvl w:val="1"/>') +
      p(r('text'), '<w:pStyle w:val="Loop"/>') +
      p(r('Body level'), '<w:outlineLvl w:val="9"/>')
    const { chunks } = await word(body, { styles, numbering })
    expect(chunks.map(({ heading }) => heading)).to.deep.equal(['1. Chapter', '1. Chapter > Part'])
    expect(chunks[1]?.text).to.equal('Part\ntext\nBody level')
  })

  it('leaves hidden text hidden, by its own word or by a style', async () => {
    const styles =
      '<w:style w:styleId="Secret"><w:name w:val="s"/><w:rPr><w:vanish/></w:rPr></w:style><w:style w:styleId="Child"><w:name w:val="c"/><w:basedOn w:val="Secret"/></w:style>'
    const body =
      p(r('seen ') + r('hidden', '<w:vanish/>') + r('too', '<w:vanish w:val="0"/>')) +
      p(r('by style', '<w:rStyle w:val="Child"/>') + r('beside')) +
      p(r('all of it') + r('but this', '<w:vanish w:val="false"/>'), '<w:pStyle w:val="Secret"/>') +
      p(r('only its mark is'), '<w:rPr><w:vanish/></w:rPr>')
    expect((await word(body, { styles })).text.split('\n')).to.deep.equal([
      'seen too',
      'beside',
      'but this',
      'only its mark is',
    ])
  })

  it('takes bytes after the end of the archive for no damage', async () => {
    const file = docx([{ text: 'Whole.' }])
    for (const tail of ['\n', '\0'.repeat(4_000), 'PK\x05\x06']) {
      const { text } = await read('a.docx', DOCX, Buffer.concat([file, Buffer.from(tail, 'latin1')]))
      expect(text).to.contain('Whole.')
    }
  })
})

describe('Field 20: nothing of sheets, slides and pages is missing', () => {
  it('reads comments of both kinds on cells, once', async () => {
    const file = sheetFile('<row r="1"><c r="A1"><v>1</v></c></row>', {
      relations: [
        ['rId1', 'comments', '../comments1.xml'],
        ['rId2', 'threadedComment', '../threadedComments/t1.xml'],
        ['rId3', 'drawing', '../drawings/d1.xml'],
      ],
      extra: [
        {
          name: 'xl/comments1.xml',
          data: '<comments><commentList><comment ref="A1"><text><r><t>Old </t></r><r><t>note</t></r></text></comment><comment ref="B2"><text><t>[Threaded comment] Your version of Excel...</t></text></comment></commentList></comments>',
        },
        {
          name: 'xl/threadedComments/t1.xml',
          data: '<ThreadedComments><threadedComment ref="B2"><text>New note</text></threadedComment></ThreadedComments>',
        },
        {
          name: 'xl/drawings/d1.xml',
          data: '<xdr:wsDr xmlns:xdr="urn:x" xmlns:a="urn:a"><a:p><a:r><a:t>In a shape</a:t></a:r></a:p></xdr:wsDr>',
        },
      ],
    })
    const { text } = await read('a.xlsx', XLSX, file)
    expect(text.split('\n')).to.deep.equal(['1', 'Comment on B2: New note', 'Comment on A1: Old note', 'In a shape'])
  })

  it('shows numbers in the formats of the workbook', async () => {
    const cells = [0.15, 5.1, -3, 0, 12_345.678].map(
      (value, index) => `<c r="${'ABCDE'[index]}1" s="${index}"><v>${value}</v></c>`,
    )
    const file = sheetFile(`<row r="1">${cells.join('')}</row>`, {
      formats: [9, '0.0', '0;(0)', '0;-0;"none"', '#,##0.00;[Red]-#,##0.00'],
    })
    expect((await read('a.xlsx', XLSX, file)).text).to.equal('15% | 5.1 | (3) | none | 12,345.68')
  })

  it('says where the rows of a chunk stand', async () => {
    const rows = Array.from(
      { length: 200 },
      (_none, index) =>
        `<row r="${index * 2 + 5}"><c r="B${index * 2 + 5}" t="inlineStr"><is><t>${'word '.repeat(6)}${index}</t></is></c></row>`,
    )
    const { chunks } = await read('a.xlsx', XLSX, sheetFile(rows.join('')))
    expect(chunks.length).to.be.greaterThan(3)
    let next = 5
    for (const { cells, text } of chunks) {
      const [, from, to] = /^A(\d+):B(\d+)$/.exec(cells ?? '') ?? []
      expect(Number(from)).to.equal(next)
      expect(text.split('\n')).to.have.length((Number(to) - Number(from)) / 2 + 1)
      next = Number(to) + 2
    }
    expect(next).to.equal(405)
  })

  it('reads notes and comments of slides', async () => {
    const file = slideFile(
      shape('Hello', 'title') + shape('9', 'sldNum'),
      [
        ['rId1', 'notesSlide', '../notesSlides/n1.xml'],
        ['rId2', 'comments', '../comments/c1.xml'],
        ['rId3', 'comments', '../comments/c2.xml'],
      ],
      [
        {
          name: 'ppt/notesSlides/n1.xml',
          data: `<p:notes xmlns:p="urn:p" xmlns:a="urn:a">${shape('Speak slowly')}${shape('1', 'sldNum')}</p:notes>`,
        },
        {
          name: 'ppt/comments/c1.xml',
          data: '<p:cmLst xmlns:p="urn:p"><p:cm><p:text>Old remark</p:text></p:cm></p:cmLst>',
        },
        {
          name: 'ppt/comments/c2.xml',
          data: '<q:cmLst xmlns:q="urn:q" xmlns:a="urn:a"><q:cm><q:txBody><a:p><a:r><a:t>New remark</a:t></a:r></a:p></q:txBody></q:cm></q:cmLst>',
        },
      ],
    )
    const { text } = await read('a.pptx', PPTX, file)
    expect(text.split('\n')).to.deep.equal([
      'Hello',
      'Notes: Speak slowly',
      'Comment: Old remark',
      'Comment: New remark',
    ])
  })

  it('leaves what a page hides hidden', async () => {
    const html =
      '<p>seen</p><div style="color:red; DISPLAY : none">ignore <b>all</b> rules</div><p hidden>and this</p><span style="visibility:hidden">x</span><p style="display:block">shown</p>'
    expect((await read('a.html', 'text/html', html)).text.replace(/\s+/g, ' ')).to.equal('seen shown')
  })

  it('reads what pictures and ruby of a page say once', async () => {
    const html = '<p><img alt="A tide table"> by <ruby>東京<rp>(</rp><rt>とうきょう</rt><rp>)</rp></ruby></p>'
    expect((await read('a.html', 'text/html', html)).text.trim()).to.equal('[A tide table] by 東京')
  })
})
