import { expect } from 'chai'
import { DOCX, PPTX, XLSX } from '../support/file-corpus.ts'
import { p, r, shape, sheetFile, slideFile, wordFile } from './office.ts'
import { read } from './reading.ts'

describe('Field 13: sheets are read as they are shown', () => {
  const sheet = async (...args: Parameters<typeof sheetFile>) => (await read('a.xlsx', XLSX, sheetFile(...args))).text
  /** One cell of each number with its format. */
  const shown = (formats: Array<number | string>, values: Array<number | string>, workbook = '') =>
    sheet(
      `<row r="1">${values.map((value, index) => `<c r="${String.fromCharCode(65 + index)}1" s="${index}"><v>${value}</v></c>`).join('')}</row>`,
      { formats, workbook },
    )

  it('leaves an empty cell of a shared string empty', async () => {
    const rows =
      '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"/><c r="C1" t="s"><v></v></c><c r="D1" t="s"><v>1</v></c></row>'
    expect(await sheet(rows, { strings: '<si><t>First</t></si><si><t>Last</t></si>' })).to.equal('First |  |  | Last')
  })

  it('decodes the signs that Excel escapes', async () => {
    const strings = '<si><t>one_x000D_\ntwo</t></si><si><t>a_x005F_x0041_b</t></si>'
    const rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    expect(await sheet(rows, { strings })).to.equal('one two | a_x0041_b')
  })

  it('takes the words of rich text and leaves the readings over them out', async () => {
    const strings = '<si><r><t>東</t></r><r><t>京</t></r><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si>'
    expect(await sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', { strings })).to.equal('東京')
    const inline = '<row r="1"><c r="A1" t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is></c></row>'
    expect(await sheet(inline)).to.equal('inline')
  })

  it('counts days from 1904 where the workbook does', async () => {
    expect(await shown([14], [0.5])).to.equal('12:00:00')
    expect(await shown([14], [43_538], '<workbookPr date1904="1"/>')).to.equal('2023-03-15')
    expect(await shown([14], [43_538], '<workbookPr date1904="true"/>')).to.equal('2023-03-15')
    expect(await shown([14], [45_000], '<workbookPr date1904="0"/>')).to.equal('2023-03-15')
  })

  it('shows hours that go beyond a day', async () => {
    expect(await shown(['[h]:mm', 46, '[mm]:ss'], [1.5, 1.25, 0.0625])).to.equal('36:00 | 30:00:00 | 90:00')
  })

  it('knows a date by its format, not by letters in it', async () => {
    const formats = ['#,##0.00\\ _D_M_-', '0.0" days"', '[Red]0', '0.00E+00', '#,##0\\ "Md"', '[$-409]d\\-mmm\\-yy;@']
    expect(await shown(formats, [1234.5, 3, 7, 12_000, 4, 45_000])).to.equal(
      '1,234.50 | 3.0 days | 7 | 1.20E+04 | 4 Md | 2023-03-15',
    )
  })

  it('knows the built-in formats of dates, also those of East Asia', async () => {
    const ids = [14, 22, 27, 30, 36, 50, 54, 57, 58]
    const dates = ids.map((id) => (id === 22 ? '2023-03-15 12:00:00' : '2023-03-15'))
    expect(
      await shown(
        ids,
        ids.map((id) => (id === 22 ? 45_000.5 : 45_000)),
      ),
    ).to.equal(dates.join(' | '))
  })

  it('reads booleans however they are written', async () => {
    const values = ['1', 'true', '0', 'false']
    const cells = values.map((value, index) => `<c r="${'ABCD'[index]}1" t="b"><v>${value}</v></c>`)
    expect(await sheet(`<row r="1">${cells.join('')}</row>`)).to.equal('TRUE | TRUE | FALSE | FALSE')
  })

  it('shows percentages, currencies and fractions as the sheet does, and numbers without binary noise', async () => {
    expect(await shown([9, 10, '0.0', 4, '#,##0.00\\ "€"', 12], [0.15, 0.1234, 5.12, 1234.5, 99.9, 1.5])).to.equal(
      '15% | 12.34% | 5.1 | 1,234.50 | 99.90 € | 1 1/2',
    )
    expect(await shown([0], ['0.30000000000000004'])).to.equal('0.3')
  })

  it('keeps errors, texts of formulas and dates of the newer kind as they are', async () => {
    const rows =
      '<row r="1"><c r="A1" t="e"><v>#DIV/0!</v></c><c r="B1" t="str"><f>A2</f><v>made</v></c><c r="C1" t="d"><v>2024-05-01T00:00:00</v></c></row>'
    expect(await sheet(rows)).to.equal('#DIV/0! | made | 2024-05-01')
  })
})

describe('Field 13: documents are read as they are shown', () => {
  const word = async (...args: Parameters<typeof wordFile>) => (await read('a.docx', DOCX, wordFile(...args))).text

  it('keeps hyphens, line ends, tabs and page breaks between words', async () => {
    const body = p(
      '<w:r><w:t>non</w:t><w:noBreakHyphen/><w:t>breaking</w:t><w:cr/><w:t>new</w:t><w:br w:type="page"/><w:t>page</w:t><w:tab/><w:t>tab</w:t><w:softHyphen/><w:t>bed</w:t></w:r>',
    )
    expect(await word(body)).to.equal('non-breaking\nnew\npage\ttabbed')
  })

  it('writes symbols as signs', async () => {
    const sym = (font: string, char: string) => `<w:sym w:font="${font}" w:char="${char}"/>`
    const body = p(
      `<w:r>${sym('Symbol', 'F061')}${sym('Symbol', 'F0B3')}${sym('Wingdings', 'F0FC')}${sym('Wingdings', 'F0E0')}${sym('Arial', '20AC')}</w:r>`,
    )
    expect(await word(body)).to.equal('α≥✓→€')
  })

  it('reads what was moved once, where it is now, and what was deleted not at all', async () => {
    const body =
      p(`<w:moveFrom>${r('moved words')}</w:moveFrom>${r('stays')}`) +
      p(
        `<w:moveTo>${r('moved words')}</w:moveTo><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins>${r(' new')}</w:ins>`,
      )
    expect(await word(body)).to.equal('stays\nmoved words new')
  })

  it('reads words under ruby once', async () => {
    const ruby = `<w:r><w:ruby><w:rt>${r('とうきょう')}</w:rt><w:rubyBase>${r('東京')}</w:rubyBase></w:ruby></w:r>`
    expect(await word(p(`${ruby}${r('へ')}`))).to.equal('東京へ')
  })

  it('reads one of the alternatives that are written for readers of different age', async () => {
    const box = (text: string) => `<w:txbxContent>${p(r(text))}</w:txbxContent>`
    const both = `<mc:AlternateContent><mc:Choice Requires="wps">${box('In a box')}</mc:Choice><mc:Fallback>${box('In a box')}</mc:Fallback></mc:AlternateContent>`
    const old = `<mc:AlternateContent><mc:Fallback>${box('Old only')}</mc:Fallback></mc:AlternateContent>`
    const body = p(`<w:r>${both}</w:r>${r('after')}`) + p(`<w:r>${old}</w:r>`)
    expect((await word(body)).split('\n').sort()).to.deep.equal(['In a box', 'Old only', 'after'])
  })

  it('keeps the paragraphs of a cell and of a table within it in their row', async () => {
    const cell = (inner: string) => `<w:tc>${inner}</w:tc>`
    const inner = `<w:tbl><w:tr>${cell(p(r('x')))}${cell(p(r('y')))}</w:tr></w:tbl>`
    const body = `<w:tbl><w:tr>${cell(p(r('one')) + p(r('two')))}${cell(inner + p(''))}</w:tr></w:tbl>`
    expect(await word(body)).to.equal('one two | x | y')
  })
})

describe('Field 13: slides are read as they are shown', () => {
  const slide = async (...args: Parameters<typeof slideFile>) => (await read('a.pptx', PPTX, slideFile(...args))).text

  it('reads one branch of alternatives', async () => {
    const text = await slide(
      `<mc:AlternateContent><mc:Choice Requires="p14">${shape('Once')}</mc:Choice><mc:Choice Requires="p15">${shape('Twice')}</mc:Choice><mc:Fallback>${shape('Once')}</mc:Fallback></mc:AlternateContent>`,
    )
    expect(text).to.equal('Once')
  })

  it('reads diagrams and charts with their slide', async () => {
    const diagram =
      '<dgm:dataModel xmlns:dgm="urn:dgm" xmlns:a="urn:a"><dgm:pt><dgm:t><a:bodyPr/><a:p><a:r><a:t>Plan</a:t></a:r></a:p></dgm:t></dgm:pt><dgm:pt><dgm:t><a:p><a:r><a:t>Do</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:dataModel>'
    const cache = (values: string[]) => values.map((value) => `<c:pt><c:v>${value}</c:v></c:pt>`).join('')
    const chart = `<c:chartSpace xmlns:c="urn:c" xmlns:a="urn:a"><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:rich></c:tx></c:title><c:ser><c:tx><c:strRef><c:strCache>${cache(['Apples'])}</c:strCache></c:strRef></c:tx><c:cat><c:strRef>${cache(['May', 'June'])}</c:strRef></c:cat><c:val><c:numRef>${cache(['3', '5'])}</c:numRef></c:val></c:ser></c:chart></c:chartSpace>`
    const text = await slide(
      shape('Title', 'title'),
      [
        ['rId1', 'diagramData', '../diagrams/data1.xml'],
        ['rId2', 'chart', '../charts/chart1.xml'],
      ],
      [
        { name: 'ppt/diagrams/data1.xml', data: diagram },
        { name: 'ppt/charts/chart1.xml', data: chart },
      ],
    )
    expect(text).to.equal('Title\nPlan\nDo\nSales\nApples: May 3, June 5')
  })

  it('reads tables row by row', async () => {
    const cell = (text: string) => `<a:tc><a:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:txBody></a:tc>`
    const table = `<p:graphicFrame><a:tbl><a:tr>${cell('Name')}${cell('Age')}</a:tr><a:tr>${cell('Ada')}${cell('36')}</a:tr></a:tbl></p:graphicFrame>`
    expect((await slide(table)).split('\n').map((line) => line.replace(/\s*\|\s*/g, '|'))).to.deep.equal([
      'Name|Age|',
      'Ada|36|',
    ])
  })
})
