import { expect } from 'chai'
import { outcomeOf } from '../../workers/mcp/tool-result.ts'
import { readResult } from '../../workers/tools/tool-results.ts'

const text = (words: string) => ({ type: 'text' as const, text: words })
const file = (name: string, data: string) => ({
  type: 'file' as const,
  name,
  contentType: 'image/png',
  data: Buffer.from(data),
})

describe('What a tool gives back', () => {
  it('is a text as long as one is kept; a longer one is a file besides, whole', () => {
    expect(readResult([text('a'), text('b')], 'read', 3)).to.deep.equal({ text: 'a\nb', files: [] })
    const long = `ab😀${'d'.repeat(200)}`
    const { text: cut, files } = readResult([text(long)], 'read', 100)
    expect(files.map(({ name, data }) => [name, data.toString()])).to.deep.equal([['read result.txt', long]])
    expect(cut)
      .to.have.length(100)
      .and.match(/^ab😀d+…/)
  })

  it('says by itself that it was cut, and of how much, whether or not its file could be kept', () => {
    const { text: cut } = readResult([text('x'.repeat(123_456))], 'read', 65_536)
    expect(cut).to.have.length(65_536)
    expect(cut.replace(/^x+/, '')).to.equal('… (cut here: there were 123456 characters)')
    const note = '… (cut here: there were 108 characters)'
    const half = readResult([text(`${'x'.repeat(56)}😀${'y'.repeat(50)}`)], 'read', 57 + note.length)
    expect(half.text).to.equal(`${'x'.repeat(56)}${note}`)
    expect(readResult([text('a'.repeat(10))], 'read', 5).text).to.equal('… (cut here: there were 10 characters)')
  })

  it('names files, and gives the first of them to be kept; none that is empty', () => {
    const many = Array.from({ length: 20 }, (_, n) => file(`f${n}`, 'x'))
    const result = readResult([file('empty', ''), ...many], 'read', 65_536)
    expect(result.text).to.include('(A file, empty, image/png, 0 bytes, which is not shown.)').and.include('f19')
    expect(result.files.map(({ name }) => name)).to.deep.equal(many.slice(0, 8).map(({ name }) => name))
  })

  it('has nothing that a terminal obeys, that turns how it is read, or that no database takes', () => {
    const words = 'a\u001b[31mred\u0000\u009b\u202egnp.exe\u2069\u0007\ud800\tb\r\nc'
    expect(readResult([text(words)], 'read', 100).text).to.equal('a[31mredgnp.exe\ufffd\tb\r\nc')
  })

  it('of a server: its texts, and all else as files, however it is written', () => {
    const resource = {
      uri: 'file:///a/plan.pdf',
      blob: Buffer.from('pdf').toString('base64'),
      mimeType: 'application/pdf',
    }
    const { content } = outcomeOf({
      content: [
        { type: 'audio', data: '!not base64!', mimeType: 'audio/wav' },
        { type: 'resource', resource },
        { type: 'resource_link', uri: 'https://evil.example/x.png', name: 'x' },
      ],
      structuredContent: { said: 'in the resource' },
    })
    expect(content.map((part) => (part.type === 'file' ? part.name : part.text))).to.deep.equal([
      'audio 1',
      'plan.pdf',
      'x: https://evil.example/x.png',
    ])
    const deep = JSON.parse(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`)
    expect(outcomeOf({ content: [], structuredContent: { deep } }).content).to.deep.equal([
      text('It answered with what is nested too deeply to be read.'),
    ])
    expect(outcomeOf({ content: [] }).content).to.deep.equal([text('It answered nothing.')])
  })
})
