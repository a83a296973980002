import { crc32, deflateRawSync } from 'node:zlib'

/** Files of each kind, made by hand: small, real, and with words that tests look for. */

/** An entry of a hand-made zip; `claimedSize` lets it lie about how large it unpacks. */
export interface ZipEntry {
  name: string
  data: Buffer | string
  stored?: boolean
  encrypted?: boolean
  claimedSize?: number
}

/** A zip archive. */
export function zip(entries: ZipEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, data, stored = false, encrypted = false, claimedSize } of entries) {
    const raw = Buffer.from(data)
    const packed = stored ? raw : deflateRawSync(raw, { level: 9 })
    const path = Buffer.from(name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE((encrypted ? 1 : 0) | 0x800, 2)
    common.writeUInt16LE(stored ? 0 : 8, 4)
    common.writeUInt32LE(crc32(raw), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(claimedSize ?? raw.length, 18)
    common.writeUInt16LE(path.length, 22)
    parts.push(Buffer.from('PK\x03\x04'), common, path, packed)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, path)
    offset += 30 + path.length + packed.length
  }
  const list = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(list.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, list, Buffer.from('PK\x05\x06'), end])
}

/** A PDF with one line of text a page. `encrypted` says that a password is needed. */
export function pdf(pages: string[], { encrypted = false, repeat = 1 } = {}): Buffer {
  const bodies: string[] = []
  const kids = `${pages.map((_text, index) => `${4 + index * 2} 0 R`).join(' ')} `.repeat(repeat)
  bodies.push('<< /Type /Catalog /Pages 2 0 R >>')
  bodies.push(`<< /Type /Pages /Count ${pages.length * repeat} /Kids [${kids}] >>`)
  bodies.push('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>')
  pages.forEach((text, index) => {
    const stream = `BT /F1 12 Tf 40 700 Td (${text.replace(/[\\()]/g, '\\$&')}) Tj ET`
    bodies.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + index * 2} 0 R >>`,
      `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    )
  })
  let text = '%PDF-1.4\n'
  const offsets: number[] = []
  if (encrypted) {
    const hash = '<'.concat('28'.repeat(32), '>')
    bodies.push(`<< /Filter /Standard /V 1 /R 2 /O ${hash} /U ${hash} /P -4 >>`)
  }
  bodies.forEach((body, index) => {
    offsets.push(text.length)
    text += `${index + 1} 0 obj\n${body}\nendobj\n`
  })
  const start = text.length
  const lines = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const security = encrypted ? ` /Encrypt ${bodies.length} 0 R /ID [<00><00>]` : ''
  text += `xref\n0 ${bodies.length + 1}\n0000000000 65535 f \n${lines}trailer\n<< /Size ${bodies.length + 1} /Root 1 0 R${security} >>\n`
  return Buffer.from(`${text}startxref\n${start}\n%%EOF\n`, 'latin1')
}

/** A PDF of this many pages, all the same one: small, and a long way to read. */
export const manyPages = (count: number): Buffer => pdf(['again'], { repeat: count })

const XML = '<?xml version="1.0" encoding="UTF-8"?>'
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const escapeXml = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

const relations = (targets: Array<[id: string, type: string, target: string]>) =>
  `${XML}<Relationships>${targets
    .map(([id, type, target]) => `<Relationship Id="${id}" Type="${RELATIONS}/${type}" Target="${target}"/>`)
    .join('')}</Relationships>`

/** A Word document: headings by a localised style, paragraphs, page breaks that Word left, a table, and a footnote. */
export function docx(
  blocks: Array<{ heading?: string; text?: string; pageBreak?: boolean; table?: string[][] }>,
  extra: ZipEntry[] = [],
): Buffer {
  const run = (text: string) => `<w:r><w:t xml:space="preserve">${escapeXml(text)}</w:t></w:r>`
  const paragraph = (inner: string) => `<w:p>${inner}</w:p>`
  const body = blocks.map(({ heading, text, pageBreak, table }) => {
    if (heading) return paragraph(`<w:pPr><w:pStyle w:val="berschrift1"/></w:pPr>${run(heading)}`)
    if (table) {
      const row = (cells: string[]) => `<w:tr>${cells.map((c) => `<w:tc>${paragraph(run(c))}</w:tc>`).join('')}</w:tr>`
      return `<w:tbl>${table.map(row).join('')}</w:tbl>`
    }
    return paragraph(`${pageBreak ? '<w:r><w:lastRenderedPageBreak/></w:r>' : ''}${run(text ?? '')}`)
  })
  return zip([
    { name: '[Content_Types].xml', data: `${XML}<Types/>` },
    {
      name: 'word/styles.xml',
      data: `${XML}<w:styles><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>`,
    },
    { name: 'word/document.xml', data: `${XML}<w:document><w:body>${body.join('')}</w:body></w:document>` },
    {
      name: 'word/footnotes.xml',
      data: `${XML}<w:footnotes>${paragraph(run('A footnote about tides.'))}</w:footnotes>`,
    },
    ...extra,
  ])
}

/** A workbook of one sheet. Numbers in a column of dates are days since 1899-12-30. */
export function xlsx(sheet: string, rows: Array<Array<string | number | { date: number }>>): Buffer {
  const strings: string[] = []
  const cell = (value: string | number | { date: number }, column: number, row: number) => {
    const at = `${String.fromCharCode(65 + column)}${row + 1}`
    if (typeof value === 'number') return `<c r="${at}"><v>${value}</v></c>`
    if (typeof value === 'object') return `<c r="${at}" s="1"><v>${value.date}</v></c>`
    return `<c r="${at}" t="s"><v>${strings.push(value) - 1}</v></c>`
  }
  const data = rows.map((row, y) => `<row r="${y + 1}">${row.map((value, x) => cell(value, x, y)).join('')}</row>`)
  return zip([
    { name: '[Content_Types].xml', data: `${XML}<Types/>` },
    {
      name: 'xl/workbook.xml',
      data: `${XML}<workbook><sheets><sheet name="${sheet}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    },
    { name: 'xl/_rels/workbook.xml.rels', data: relations([['rId1', 'worksheet', 'worksheets/sheet1.xml']]) },
    {
      name: 'xl/styles.xml',
      data: `${XML}<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
    },
    { name: 'xl/worksheets/sheet1.xml', data: `${XML}<worksheet><sheetData>${data.join('')}</sheetData></worksheet>` },
    {
      name: 'xl/sharedStrings.xml',
      data: `${XML}<sst>${strings.map((s) => `<si><t>${escapeXml(s)}</t></si>`).join('')}</sst>`,
    },
  ])
}

/** A presentation; its slides are stored in the opposite of their order. */
export function pptx(slides: Array<{ title: string; text: string; notes?: string }>): Buffer {
  const shape = (type: string, text: string) =>
    `<p:sp><p:nvSpPr><p:nvPr><p:ph type="${type}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>${escapeXml(text)}</a:t></a:r></a:p></p:txBody></p:sp>`
  const part = (index: number) => slides.length - index
  const entries = slides.flatMap(({ title, text, notes }, index): ZipEntry[] => [
    {
      name: `ppt/slides/slide${part(index)}.xml`,
      data: `${XML}<p:sld>${shape('title', title)}${shape('body', text)}${shape('sldNum', '99')}</p:sld>`,
    },
    ...(notes
      ? [
          {
            name: `ppt/slides/_rels/slide${part(index)}.xml.rels`,
            data: relations([['rId1', 'notesSlide', `../notesSlides/notes${index}.xml`]]),
          },
          { name: `ppt/notesSlides/notes${index}.xml`, data: `${XML}<p:notes>${shape('body', notes)}</p:notes>` },
        ]
      : []),
  ])
  const ids = slides.map((_slide, index) => `<p:sldId id="${256 + index}" r:id="rId${index + 1}"/>`).join('')
  return zip([
    { name: '[Content_Types].xml', data: `${XML}<Types/>` },
    { name: 'ppt/presentation.xml', data: `${XML}<p:presentation><p:sldIdLst>${ids}</p:sldIdLst></p:presentation>` },
    {
      name: 'ppt/_rels/presentation.xml.rels',
      data: relations(slides.map((_slide, index) => [`rId${index + 1}`, 'slide', `slides/slide${part(index)}.xml`])),
    },
    ...entries,
  ])
}

/** A book of chapters in XHTML. */
export function epub(chapters: Array<{ title: string; text: string }>): Buffer {
  const chapter = ({ title, text }: { title: string; text: string }) =>
    `${XML}<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>${title}</h1><p>${text}</p></body></html>`
  const items = chapters.map((_c, index) => `<item id="c${index}" href="text/ch%20${index}.xhtml"/>`).join('')
  const spine = chapters.map((_c, index) => `<itemref idref="c${index}"/>`).join('')
  return zip([
    { name: 'mimetype', data: 'application/epub+zip', stored: true },
    {
      name: 'META-INF/container.xml',
      data: `${XML}<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>`,
    },
    { name: 'OEBPS/book.opf', data: `${XML}<package><manifest>${items}</manifest><spine>${spine}</spine></package>` },
    ...chapters.map((content, index) => ({ name: `OEBPS/text/ch ${index}.xhtml`, data: chapter(content) })),
  ])
}

/** A document that unpacks to a hundred times what a reader takes. */
export const zipBomb = (): Buffer =>
  docx([{ text: 'harmless' }], [{ name: 'word/media/huge.bin', data: Buffer.alloc(40 * 1024 * 1024) }])

export const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
export const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
export const PPTX = 'application/vnd.openxmlformats-officedocument.presentationml.presentation'
