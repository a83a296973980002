/** PDFs made by hand, object by object. Objects 1 to 3 are the catalogue, the pages and Helvetica. */

interface PageOptions {
  /** Operators of the page. */
  content: string
  /** More of the page's dictionary. */
  page?: string
  /** Fonts besides Helvetica as /F1. */
  resources?: string
  /** Pictures. */
  xobject?: string
}

/** A PDF of these pages and more objects, which have numbers from `first` on (`objectsFrom`). */
export function pdfOf(pages: PageOptions[], objects: Array<string | Buffer> = [], catalog = ''): Buffer {
  const bodies: Array<string | Buffer> = [
    `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`,
    `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_page, index) => `${4 + index * 2} 0 R`).join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  for (const [index, { content, page = '', resources = '', xobject = '' }] of pages.entries()) {
    bodies.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R ${resources} >> /XObject << ${xobject} >> >> /Contents ${5 + index * 2} 0 R ${page} >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    )
  }
  bodies.push(...objects)
  const pieces: Buffer[] = [Buffer.from('%PDF-1.7\n')]
  const offsets: number[] = []
  let length = pieces[0]?.length ?? 0
  for (const [index, body] of bodies.entries()) {
    offsets.push(length)
    const piece = Buffer.concat([
      Buffer.from(`${index + 1} 0 obj\n`),
      typeof body === 'string' ? Buffer.from(body, 'latin1') : body,
      Buffer.from('\nendobj\n'),
    ])
    pieces.push(piece)
    length += piece.length
  }
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  pieces.push(
    Buffer.from(
      `xref\n0 ${bodies.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${bodies.length + 1} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  )
  return Buffer.concat(pieces)
}

/** A picture as one of the other objects; by default a JPEG in colours. */
export const pictureObject = (
  data: Buffer,
  width: number,
  height: number,
  { space = 'DeviceRGB', bits = 8, filter = 'DCTDecode' } = {},
): Buffer =>
  Buffer.concat([
    Buffer.from(
      `<< /Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /${space} /BitsPerComponent ${bits} /Filter /${filter} /Length ${data.length} >>\nstream\n`,
    ),
    data,
    Buffer.from('\nendstream'),
  ])

/** The number of the first of the other objects. */
export const objectsFrom = (pages: number): number => 4 + pages * 2

/** Text at places: [x, y, text, size]. */
export const placed = (texts: Array<[x: number, y: number, text: string, size?: number]>): string =>
  texts
    .map(
      ([x, y, text, size = 12]) => `BT /F1 ${size} Tf 1 0 0 1 ${x} ${y} Tm (${text.replace(/[\\()]/g, '\\$&')}) Tj ET`,
    )
    .join('\n')

/** Japanese and Chinese in Adobe's encodings, with fonts that are not embedded: only pdf.js' own maps know the letters. */
export function cjkPdf(): Buffer {
  const first = objectsFrom(1)
  const font = (name: string, encoding: string, ordering: string, at: number) => [
    `<< /Type /Font /Subtype /Type0 /BaseFont /${name} /Encoding /${encoding} /DescendantFonts [${at + 1} 0 R] >>`,
    `<< /Type /Font /Subtype /CIDFontType0 /BaseFont /${name} /CIDSystemInfo << /Registry (Adobe) /Ordering (${ordering}) /Supplement 4 >> /FontDescriptor ${at + 2} 0 R /DW 1000 >>`,
    `<< /Type /FontDescriptor /FontName /${name} /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>`,
  ]
  const hex = (bytes: Buffer) => bytes.toString('hex')
  const japanese = hex(Buffer.from('東京タワー', 'utf16le').swap16())
  // GBK: 北 is B1B1, 京 is BEA9.
  const content = `BT /J 14 Tf 50 700 Td <${japanese}> Tj ET\nBT /C 14 Tf 50 660 Td <b1b1bea9> Tj ET`
  return pdfOf(
    [{ content, resources: `/J ${first} 0 R /C ${first + 3} 0 R` }],
    [...font('HeiseiMin-W3', 'UniJIS-UCS2-H', 'Japan1', first), ...font('STSong-Light', 'GBK-EUC-H', 'GB1', first + 3)],
  )
}

/** A form: fields with values, a ticked and an unticked box, a choice, a password, and an empty field. */
export function formPdf(): Buffer {
  const first = objectsFrom(1)
  const fields = [
    '/FT /Tx /T (name) /TU (Your name) /V (Marta Quist)',
    '/FT /Ch /Ff 131072 /T (colour) /Opt [(red) (blue)] /V (blue)',
    '/FT /Btn /T (agreed) /V /Yes /AS /Yes /AP << /N << /Yes null /Off null >> >>',
    '/FT /Btn /T (newsletter) /V /Off /AS /Off /AP << /N << /Yes null /Off null >> >>',
    '/FT /Tx /Ff 8192 /T (secret) /V (hunter2)',
    '/FT /Tx /T (empty) /V ()',
  ]
  const references = fields.map((_field, index) => `${first + index} 0 R`).join(' ')
  return pdfOf(
    [{ content: placed([[50, 700, 'Application']]), page: `/Annots [${references}]` }],
    fields.map(
      (field, index) =>
        `<< /Type /Annot /Subtype /Widget /Rect [50 ${600 - index * 30} 300 ${620 - index * 30}] ${field} >>`,
    ),
    `/AcroForm << /Fields [${references}] >>`,
  )
}
