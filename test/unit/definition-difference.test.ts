import { expect } from 'chai'
import { type DiffLine, differenceOf } from '../../src/console/views/servers/definition-difference.ts'

const definition = {
  title: 'Take a note',
  description: 'Takes a note.\nIt is kept for a year, and nobody else reads it.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } } as Record<string, unknown>,
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
}
const textOf = (lines: readonly DiffLine[], of: 'before' | 'now') =>
  lines
    .flatMap((line) => (line.of === of || line.of === 'both' ? [line.pieces.map(({ text }) => text).join('')] : []))
    .join('\n')
const marked = (lines: readonly DiffLine[]) =>
  lines
    .flatMap((line) => ('pieces' in line ? line.pieces.filter(({ isMarked }) => isMarked) : []))
    .map(({ text }) => text)
const described = (description: string) => differenceOf(definition, { ...definition, description })

describe('What differs between two definitions of a tool', () => {
  it('is told by parts, and marked by words', () => {
    expect(differenceOf(definition, definition)).to.deep.equal([])
    const now = { ...definition, hints: { ...definition.hints, readOnly: true } }
    now.description = definition.description.replace('nobody', 'everybody')
    const [first, second, ...others] = differenceOf(definition, now)
    expect([first?.part, second?.part, others.length]).to.deep.equal(['description', 'hints', 0])
    expect(first?.lines.map(({ of }) => of)).to.deep.equal(['both', 'before', 'now'])
    expect(marked(first?.lines ?? [])).to.deep.equal(['nobody', 'everybody'])
    expect(marked(second?.lines ?? [])).to.deep.equal(['false', 'true'])
  })

  it('leaves nothing out of either, also of lines that came, went, or are other ones', () => {
    const texts = [
      '',
      '\n',
      'Takes a note.',
      'Takes a note.\n\nAnd mails it.',
      'Something else',
      'A\nnote.\nIt is kept.\n',
    ]
    for (const text of texts) {
      const [part] = described(text)
      expect(textOf(part?.lines ?? [], 'before')).to.equal(definition.description)
      expect(textOf(part?.lines ?? [], 'now')).to.equal(text)
    }
  })

  it('stands in its surroundings, without the rest of a long schema', () => {
    const fields = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`field${at}`, { type: 'string' }]))
    const schema = (other: Record<string, unknown>) => ({
      ...definition,
      inputSchema: { properties: { ...fields, ...other } },
    })
    const [part] = differenceOf(schema({}), schema({ field99: { type: 'number' } }))
    const kinds = part?.lines.map((line) => ('count' in line ? line.count : line.of))
    expect(kinds).to.have.length(8)
    expect(kinds?.slice(1, -1)).to.deep.equal(['both', 'both', 'before', 'now', 'both', 'both'])
  })

  it('is not looked for longer than it is worth: what has nothing in common is all marked', () => {
    const long = (word: string) => Array.from({ length: 4_000 }, (_, at) => `${word}${at}`).join('\n')
    const [part] = differenceOf({ ...definition, description: long('a') }, { ...definition, description: long('b') })
    expect(part?.lines.map(({ of }) => of)).to.deep.equal([...Array(4_000).fill('before'), ...Array(4_000).fill('now')])
    expect(marked(part?.lines ?? [])).to.have.length(8_000)
  })
})
