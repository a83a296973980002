import { expect } from 'chai'
import sharp from 'sharp'
import { zip } from '../support/file-corpus.ts'
import { cjkPdf, formPdf } from './pdfs.ts'
import { read, readInProcess } from './reading.ts'

const PDF = 'application/pdf'

describe('Field 16: what is text is read', () => {
  it('reads CJK PDFs that bring no map of their letters', async () => {
    const { text } = await readInProcess('a.pdf', PDF, cjkPdf())
    expect(text).to.contain('東京タワー').and.to.contain('北京')
  })

  it('reads what was typed into a form, and no passwords, unticked boxes or empty fields', async () => {
    const { text } = await read('a.pdf', PDF, formPdf())
    expect(text)
      .to.contain('Application')
      .and.to.contain('Your name: Marta Quist')
      .and.to.contain('colour: blue')
      .and.to.contain('agreed: Yes')
    expect(text).to.not.match(/hunter2|newsletter|empty/)
  })

  it('reads JSON as people and programs write it', async () => {
    for (const json of [
      '{"a": 1, // why\n "b": [1, 2,],\n /* more */ "c": NaN}',
      '{"a": -Infinity, "b": undefined}',
      "{'a': 'single', b: None}",
      '{"a": "has // no comment and } brackets ["}',
      '\ufeff{"a": 1}',
      '42',
    ]) {
      expect((await read('a.json', 'application/json', json)).text, json).to.equal(json.replace('\ufeff', ''))
    }
  })

  it('reads lines of JSON whose last one was cut off', async () => {
    const lines = '{"a": 1}\n{"a": 2}\n{"a": "thr'
    expect((await read('a.jsonl', 'application/x-ndjson', lines)).text).to.equal(lines)
    expect((await read('a.json', 'application/json', lines)).text).to.equal(lines)
  })

  it('refuses what only claims to be JSON', async () => {
    for (const broken of ['{"a": ', '[1, 2', '{"a": 1]}', '{"a": "open\n}', '']) {
      expect((await read('a.json', 'application/json', broken)).refused?.code, broken).to.equal('file.malformed')
    }
  })

  it('keeps the lines and spaces of preformatted text', async () => {
    const html = '<p>some\n  words</p><pre>if x:\n    return <b>1</b>\n\n\ty = 2</pre><p>after</p>'
    const { text } = await read('a.html', 'text/html', html)
    expect(text).to.contain('some words').and.to.contain('if x:\n    return 1\n\n\ty = 2').and.to.contain('\nafter')
  })

  it('reads AVIF whatever brand comes first', async () => {
    const avif = await sharp({ create: { width: 32, height: 24, channels: 3, background: 'red' } })
      .avif()
      .toBuffer()
    expect((await readInProcess('a.avif', 'image/avif', avif)).image).to.equal(true)
    // The same picture, as other programs begin it.
    const size = avif.readUInt32BE(0)
    const brands = Buffer.from('mif1\0\0\0\0mif1avifmiaf', 'latin1')
    const head = Buffer.alloc(8)
    head.write('ftyp', 4, 'latin1')
    const padding = size - 8 - brands.length
    expect(padding).to.be.at.least(0)
    head.writeUInt32BE(size, 0)
    const filler = Buffer.from('miaf'.repeat(Math.ceil(padding / 4)).slice(0, padding), 'latin1')
    const other = Buffer.concat([head, brands, filler, avif.subarray(size)])
    const { image, contentType } = await readInProcess('b.avif', 'image/avif', other)
    expect([image, contentType]).to.deep.equal([true, 'image/avif'])
  })
})

describe('Field 16: what cannot be read is named, with what to send instead', () => {
  const branded = (brand: string) => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0${brand}mp41`, 'latin1')
  const ole = (stream: string) =>
    Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(504), Buffer.from(stream, 'utf16le')])
  const binary = (mark: string) => Buffer.concat([Buffer.from(mark, 'latin1'), Buffer.alloc(200)])

  for (const [name, content, what, instead] of [
    ['a.mp4', branded('isom'), /MP4 video/, /transcript/],
    ['a.mov', branded('qt  '), /QuickTime/, /transcript/],
    ['a.m4a', branded('M4A '), /M4A sound/, /transcript/],
    ['a.heic', branded('heic'), /HEIC/, /JPEG or PNG/],
    ['a.heif', branded('hevc'), /HEIC/, /JPEG or PNG/],
    ['a.mp3', binary('ID3\x03\0'), /MP3/, /transcript/],
    ['a.wav', binary('RIFF\0\0\0\0WAVEfmt '), /WAV/, /transcript/],
    ['a.webm', binary('\x1a\x45\xdf\xa3'), /WebM/, /transcript/],
    ['a.bmp', binary('BM\x36\0\0\0'), /BMP/, /JPEG or PNG/],
    ['a.psd', binary('8BPS\0\x01'), /Photoshop/, /JPEG or PNG/],
    ['a.jxl', binary('\xff\x0a'), /JPEG XL/, /JPEG or PNG/],
    ['a.doc', ole('WordDocument'), /before 2007 \(DOC\)/, /DOCX/],
    ['a.xls', ole('Workbook'), /before 2007 \(XLS\)/, /XLSX/],
    ['a.ppt', ole('PowerPoint Document'), /before 2007 \(PPT\)/, /PPTX/],
    ['a.msg', ole('__substg1.0_0037001F'), /Outlook/, /EML/],
    ['a.sqlite', binary('SQLite format 3\0'), /SQLite/, /CSV/],
    ['a.parquet', binary('PAR1\0'), /Parquet/, /CSV/],
    ['a.mobi', Buffer.concat([Buffer.alloc(60, 1), Buffer.from('BOOKMOBI'), Buffer.alloc(60)]), /Kindle/, /EPUB/],
    ['a.ps', Buffer.from('%!PS-Adobe-3.0\nshowpage\n'), /PostScript/, /PDF/],
    ['a.pages', zip([{ name: 'Index/Document.iwa', data: 'x' }]), /Apple Pages/, /PDF/],
    ['a.xlsb', zip([{ name: 'xl/workbook.bin', data: 'x' }]), /XLSB/, /XLSX/],
    ['a.odg', zip([{ name: 'mimetype', data: 'application/vnd.oasis.opendocument.graphics' }]), /drawing/, /PDF/],
    ['a.zip', zip([{ name: 'x.txt', data: 'x' }]), /archive/, /files that are in it/],
  ] as const) {
    it(`names ${name}`, async () => {
      // A decoder prints what it thinks of them.
      const reader = name.startsWith('a.hei') ? readInProcess : read
      const { refused } = await reader(name, 'application/octet-stream', content)
      expect(refused?.code).to.equal('file.type_unsupported')
      expect(refused?.message).to.match(what).and.to.match(instead)
    })
  }
})
