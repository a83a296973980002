import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { type ParseOutcome, parseInProcess } from '../../workers/file-parsing/parse-process.ts'
import { DOCX, docx, epub, manyPages, PPTX, pdf, pptx, XLSX, xlsx, zip, zipBomb } from '../support/file-corpus.ts'
import { childrenOf } from '../support/processes.ts'

const LIMITS = { timeoutMs: 20_000, memoryMb: 256, maxPages: 100, maxTextChars: 100_000 }

describe('Reading files in a process of their own', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatsparty-test-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function parse(
    name: string,
    contentType: string,
    content: Buffer | string,
    limits: Partial<typeof LIMITS> = {},
    signal = new AbortController().signal,
  ): Promise<ParseOutcome> {
    const path = join(folder, 'input')
    await writeFile(path, content)
    return parseInProcess({ path, folder, name, contentType }, { ...LIMITS, ...limits }, signal)
  }
  const read = async (...args: Parameters<typeof parse>) => {
    const outcome = await parse(...args)
    if (outcome.type !== 'done') throw new Error(JSON.stringify(outcome))
    return outcome
  }
  const refused = async (...args: Parameters<typeof parse>) => {
    const outcome = await parse(...args)
    return outcome.type === 'rejected' ? outcome.code : outcome
  }
  const places = (outcome: Awaited<ReturnType<typeof read>>) =>
    outcome.chunks.map(({ page, heading, text }) => [page, heading, text])

  it('reads a PDF page by page', async () => {
    const outcome = await read('tides.pdf', 'application/pdf', pdf(['High tide is at noon (really).', '', 'The end.']))
    expect(outcome).to.include({ contentType: 'application/pdf', pages: 3 })
    expect(places(outcome)).to.deep.equal([
      [1, null, 'High tide is at noon (really).'],
      [3, null, 'The end.'],
    ])
  })

  it('reads Word: headings by localised styles, pages, tables, footnotes', async () => {
    const document = docx([
      { heading: 'Tides & moons' },
      { text: 'Water rises.' },
      {
        table: [
          ['Harbour', 'Height'],
          ['Bristol', '14 m'],
        ],
      },
      { text: 'On the next page.', pageBreak: true },
    ])
    const outcome = await read('t.docx', DOCX, document)
    expect(outcome.pages).to.equal(2)
    expect(places(outcome)).to.deep.equal([
      [1, 'Tides & moons', 'Tides & moons\nWater rises.\nHarbour | Height\nBristol | 14 m'],
      [2, 'Tides & moons', 'On the next page.'],
      [null, null, 'A footnote about tides.'],
    ])
  })

  it('reads Excel: rows with their columns, dates as dates', async () => {
    const outcome = await read(
      't.xlsx',
      XLSX,
      xlsx('Sales', [
        ['Day', 'Amount'],
        [{ date: 45_000 }, 12.5],
      ]),
    )
    expect(places(outcome)).to.deep.equal([[null, 'Sales: Day | Amount', 'Day | Amount\n2023-03-15 | 12.5']])
  })

  it('reads PowerPoint: slides in their order, as pages, with notes', async () => {
    const deck = pptx([
      { title: 'First', text: 'Why we met', notes: 'Speak slowly.' },
      { title: 'Second', text: 'What we do' },
    ])
    const outcome = await read('t.pptx', PPTX, deck)
    expect(outcome.pages).to.equal(2)
    expect(places(outcome)).to.deep.equal([
      [1, 'First', 'First\nWhy we met\nNotes: Speak slowly.'],
      [2, 'Second', 'Second\nWhat we do'],
    ])
  })

  it('reads EPUB: chapters under their titles', async () => {
    const book = epub([
      { title: 'One', text: 'It began.' },
      { title: 'Two', text: 'It ended.' },
    ])
    expect(places(await read('b.epub', 'application/epub+zip', book))).to.deep.equal([
      [null, 'One', 'One\n\nIt began.'],
      [null, 'Two', 'Two\n\nIt ended.'],
    ])
  })

  it('reads HTML without its scripts', async () => {
    const html =
      '<!doctype html><title>Title</title><script>alert("secret")</script><h2>Part</h2><p>Hello &amp; <b>bye</b><style>p{}</style></p>'
    const outcome = await read('p.html', 'text/html', html)
    expect(outcome.contentType).to.equal('text/html')
    expect(places(outcome)).to.deep.equal([[null, 'Title > Part', 'Part\n\nHello & bye']])
  })

  it('reads Markdown, CSV, JSON and plain text in any usual encoding', async () => {
    const markdown = await read('a.md', 'text/markdown', '# A\none\n```\n# no heading\n```\n## B\ntwo')
    expect(places(markdown).map(([, heading]) => heading)).to.deep.equal(['A', 'A > B'])
    expect(places(await read('a.csv', 'application/vnd.ms-excel', 'x,y\n1,2'))).to.deep.equal([
      [null, 'x,y', 'x,y\n1,2'],
    ])
    expect((await read('a.json', 'application/json', '{"a": "b"}')).contentType).to.equal('application/json')
    expect(places(await read('a.txt', 'text/plain', Buffer.from('caf\xe9', 'latin1')))[0]?.[2]).to.equal('café')
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('ünï', 'utf16le')])
    expect(places(await read('b.txt', 'text/plain', utf16))[0]?.[2]).to.equal('ünï')
  })

  it('takes unknown kinds of text as text, whatever their type claims', async () => {
    expect((await read('main.rs', 'application/octet-stream', 'fn main() {}')).contentType).to.equal('text/plain')
  })

  it('writes images anew, upright, without metadata, and makes a thumbnail', async () => {
    const photo = await sharp({ create: { width: 600, height: 300, channels: 3, background: '#336699' } })
      .withExif({ IFD0: { Copyright: 'me' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    const outcome = await read('photo.jpg', 'image/jpeg', photo)
    const stripped = await sharp(await readFile(outcome.image?.stripped ?? '')).metadata()
    expect(stripped).to.include({ format: 'jpeg', width: 300, height: 600 })
    expect([stripped.exif, stripped.orientation, stripped.xmp, stripped.iptc]).to.deep.equal(Array(4).fill(undefined))
    const thumbnail = await sharp(await readFile(outcome.image?.thumbnail ?? '')).metadata()
    expect(thumbnail).to.include({ format: 'webp', width: 160, height: 320 })
  })

  describe('refuses', () => {
    it('archive bombs, also those that lie about their size', async () => {
      expect(await refused('a.docx', DOCX, zipBomb())).to.equal('file.archive_bomb')
      const liar = docx([], [{ name: 'x', data: 'tiny', claimedSize: 0xfffffff0 }])
      expect(await refused('b.docx', DOCX, liar)).to.equal('file.archive_bomb')
      const hidden = zip([
        { name: 'word/document.xml', data: `<w:p><w:t>${'long '.repeat(100_000)}</w:t></w:p>`, claimedSize: 50 },
      ])
      expect(await refused('c.docx', DOCX, hidden)).to.equal('file.malformed')
    })

    it('documents with too many pages, quickly', async () => {
      expect(await refused('a.pdf', 'application/pdf', manyPages(50_000))).to.equal('file.too_many_pages')
    })

    it('more text than the limit', async () => {
      expect(await refused('a.txt', 'text/plain', 'word '.repeat(30_000))).to.equal('file.too_much_text')
      const rows = Array.from({ length: 3_000 }, () => ['x'.repeat(50)])
      expect(await refused('a.xlsx', XLSX, xlsx('S', rows))).to.equal('file.too_much_text')
    })

    it('truncated files', async () => {
      const whole = docx([{ text: 'long '.repeat(1_000) }])
      expect(await refused('a.docx', DOCX, whole.subarray(0, whole.length / 2))).to.equal('file.malformed')
      expect(await refused('a.pdf', 'application/pdf', pdf(['x']).subarray(0, 60))).to.equal('file.malformed')
      const image = await sharp({ create: { width: 90, height: 90, channels: 3, background: 'red' } })
        .png()
        .toBuffer()
      expect(await refused('a.png', 'image/png', image.subarray(0, 90))).to.equal('file.malformed')
      expect(await refused('a.json', 'application/json', '{"a": ')).to.equal('file.malformed')
    })

    it('encrypted files', async () => {
      expect(await refused('a.pdf', 'application/pdf', pdf(['secret'], { encrypted: true }))).to.equal('file.encrypted')
      const locked = zip([{ name: 'word/document.xml', data: 'x', encrypted: true }])
      expect(await refused('a.docx', DOCX, locked)).to.equal('file.encrypted')
      const office = Buffer.concat([
        Buffer.from('d0cf11e0a1b11ae1', 'hex'),
        Buffer.alloc(600),
        Buffer.from('EncryptedPackage', 'utf16le'),
      ])
      expect(await refused('b.docx', DOCX, office)).to.equal('file.encrypted')
    })

    it('content that is not what type or name claim', async () => {
      expect(await refused('a.png', 'image/png', '<html><script>1</script>')).to.equal('file.type_mismatch')
      expect(await refused('a.txt', 'text/plain', pdf(['x']))).to.equal('file.type_mismatch')
      expect(await refused('a.docx', DOCX, xlsx('S', [['x']]))).to.equal('file.type_mismatch')
      expect(await refused('a.jpg', 'application/pdf', pdf(['x']))).to.equal('file.type_mismatch')
    })

    it('programs, whatever they are called', async () => {
      for (const content of ['MZ\x90\0\x03', '\x7fELF\x02\x01', '#!/bin/sh\nrm -rf /', '\xca\xfe\xba\xbe\0\0']) {
        expect(await refused('notes.txt', 'text/plain', Buffer.from(content, 'latin1'))).to.equal('file.executable')
      }
    })

    it('archives and unknown binary files', async () => {
      expect(await refused('a.zip', 'application/zip', zip([{ name: 'a', data: 'b' }]))).to.equal(
        'file.type_unsupported',
      )
      expect(await refused('a.bin', 'video/mp4', Buffer.from([0, 1, 2, 3, 0]))).to.equal('file.type_unsupported')
    })
  })

  describe('survives', () => {
    it('a reader that takes too long', async () => {
      const before = await childrenOf(process.pid)
      const outcome = await parse('a.pdf', 'application/pdf', manyPages(20_000), { maxPages: 50_000, timeoutMs: 700 })
      expect(outcome).to.include({ type: 'crashed', reason: 'timeout' })
      expect(await childrenOf(process.pid)).to.have.members(before)
    })

    it('a reader that takes too much memory', async () => {
      const crashed = { type: 'crashed', reason: 'memory' }
      const bloated = '<p>жx'.repeat(2_000_000)
      expect(await parse('a.html', 'text/html', bloated, { memoryMb: 40, maxTextChars: 10_000_000 })).to.include(
        crashed,
      )
      // Also while it is loaded: the reader of PDFs is more than that, whoever notices first, V8 or who looks now and then.
      expect(await parse('a.pdf', 'application/pdf', manyPages(1), { memoryMb: 10 })).to.include(crashed)
    })

    it('an abort, by leaving no process behind', async () => {
      const before = await childrenOf(process.pid)
      const abort = new AbortController()
      const reading = parse('a.pdf', 'application/pdf', manyPages(20_000), { maxPages: 50_000 }, abort.signal)
      setTimeout(() => abort.abort(new Error('drain')), 300)
      const error = await reading.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).to.have.property('message', 'drain')
      expect(await childrenOf(process.pid)).to.have.members(before)
    })
  })
})
