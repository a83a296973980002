import { type ZipEntry, zip } from '../support/file-corpus.ts'

/** Office files of given parts, as the standard wants them: with relations, namespaces and any names. */

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
const TYPES = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
const R = `xmlns:r="${TYPES}"`
const MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'

export type Relations = Array<[id: string, type: string, target: string]>

export const relationships = (targets: Relations, types = TYPES): string =>
  `${XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${targets
    .map(([id, type, target]) => `<Relationship Id="${id}" Type="${types}/${type}" Target="${target}"/>`)
    .join('')}</Relationships>`

const part = (name: string, data: string | Buffer): ZipEntry => ({ name, data })

export const p = (inner: string, properties = ''): string =>
  `<w:p>${properties && `<w:pPr>${properties}</w:pPr>`}${inner}</w:p>`
export const r = (text: string, properties = ''): string =>
  `<w:r>${properties && `<w:rPr>${properties}</w:rPr>`}<w:t xml:space="preserve">${text}</w:t></w:r>`

/** An OpenDocument of this kind, with its `content.xml` and what is beside it. */
export const openDocument = (
  kind: string,
  content: string,
  { stored = true, beside = [] as ZipEntry[] } = {},
): Buffer =>
  zip([
    { name: 'mimetype', data: `application/vnd.oasis.opendocument.${kind}`, stored },
    part('content.xml', content),
    ...beside,
  ])

/** A Word document of this body; `beside` are its other parts by the type of their relation. */
export function wordFile(body: string, beside: Record<string, string> = {}): Buffer {
  const parts = Object.entries(beside)
  return zip([
    part('[Content_Types].xml', `${XML}<Types/>`),
    part('_rels/.rels', relationships([['rId1', 'officeDocument', 'word/document.xml']])),
    part('word/document.xml', `${XML}<w:document ${W} ${R} ${MC}><w:body>${body}</w:body></w:document>`),
    part(
      'word/_rels/document.xml.rels',
      relationships(parts.map(([type], index) => [`rId${index + 1}`, type.split(' ')[0] ?? '', `beside/${index}.xml`])),
    ),
    ...parts.map(([type, inner], index) =>
      part(
        `word/beside/${index}.xml`,
        `${XML}<w:${type.split(' ')[0]} ${W} ${R} ${MC}>${inner}</w:${type.split(' ')[0]}>`,
      ),
    ),
  ])
}

/** A workbook of one sheet of these rows; formats are those of cell styles 0, 1, 2 ... */
export function sheetFile(
  rows: string,
  {
    formats = [],
    strings = '',
    workbook = '',
    extra = [],
    relations = [],
  }: {
    formats?: Array<number | string>
    strings?: string
    workbook?: string
    extra?: ZipEntry[]
    relations?: Relations
  } = {},
): Buffer {
  const custom = formats.flatMap((format, index) =>
    typeof format === 'string'
      ? [`<numFmt numFmtId="${164 + index}" formatCode="${format.replace(/&/g, '&amp;').replace(/"/g, '&quot;')}"/>`]
      : [],
  )
  const cells = formats.map((format, index) => `<xf numFmtId="${typeof format === 'number' ? format : 164 + index}"/>`)
  return zip([
    part('[Content_Types].xml', `${XML}<Types/>`),
    part('_rels/.rels', relationships([['rId1', 'officeDocument', 'xl/workbook.xml']])),
    part(
      'xl/workbook.xml',
      `${XML}<workbook ${R}>${workbook}<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ),
    part(
      'xl/_rels/workbook.xml.rels',
      relationships([
        ['rId1', 'worksheet', 'worksheets/sheet1.xml'],
        ['rId2', 'styles', 'styles.xml'],
        ['rId3', 'sharedStrings', 'sharedStrings.xml'],
      ]),
    ),
    part(
      'xl/styles.xml',
      `${XML}<styleSheet><numFmts>${custom.join('')}</numFmts><cellXfs>${cells.join('')}</cellXfs></styleSheet>`,
    ),
    part('xl/sharedStrings.xml', `${XML}<sst>${strings}</sst>`),
    part('xl/worksheets/sheet1.xml', `${XML}<worksheet ${R}><sheetData>${rows}</sheetData></worksheet>`),
    part('xl/worksheets/_rels/sheet1.xml.rels', relationships(relations)),
    ...extra,
  ])
}

/** A presentation of one slide with this tree of shapes. */
export function slideFile(shapes: string, relations: Relations = [], extra: ZipEntry[] = []): Buffer {
  const namespaces = `${R} ${MC} xmlns:a="urn:a" xmlns:p="urn:p" xmlns:dgm="urn:dgm"`
  return zip([
    part('[Content_Types].xml', `${XML}<Types/>`),
    part('_rels/.rels', relationships([['rId1', 'officeDocument', 'ppt/presentation.xml']])),
    part(
      'ppt/presentation.xml',
      `${XML}<p:presentation ${namespaces}><p:sldIdLst><p:sldId id="256" r:id="rId7"/></p:sldIdLst></p:presentation>`,
    ),
    part('ppt/_rels/presentation.xml.rels', relationships([['rId7', 'slide', 'slides/slide1.xml']])),
    part('ppt/slides/slide1.xml', `${XML}<p:sld ${namespaces}><p:cSld><p:spTree>${shapes}</p:spTree></p:cSld></p:sld>`),
    part('ppt/slides/_rels/slide1.xml.rels', relationships(relations)),
    ...extra,
  ])
}

export const shape = (text: string, type = 'body'): string =>
  `<p:sp><p:nvSpPr><p:nvPr><p:ph type="${type}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:txBody></p:sp>`
