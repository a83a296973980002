import { expect } from 'chai'
import { argumentProblems } from '../../src/tools/tool-arguments.ts'

describe('Arguments of tools', () => {
  it('reads properties that are called as members of schemas are', () => {
    const schema = {
      properties: { pattern: { type: 'string' }, format: { enum: ['json', 'text'] }, $id: { type: 'integer' } },
      required: ['pattern'],
      additionalProperties: false,
    }
    expect(argumentProblems(schema, { pattern: 'a+', format: 'json', $id: 1 })).to.deep.equal([])
    expect(argumentProblems(schema, { pattern: 7 })).to.have.length(1)
    expect(argumentProblems(schema, { pattern: 'a', format: 'xml' })).to.have.length(1)
    expect(argumentProblems(schema, { format: 'json' })).to.have.length(1)
    expect(argumentProblems(schema, { pattern: 'a', more: 1 })).to.have.length(1)
  })

  it('takes values as they stand, whatever their names', () => {
    const schema = { properties: { one: { const: { format: 'json' } }, two: { default: { pattern: 1 } } } }
    expect(argumentProblems(schema, { one: { format: 'json' } })).to.deep.equal([])
  })

  it('refuses no names that only an expression, which is not read, would allow', () => {
    const schema = { patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false }
    expect(argumentProblems(schema, { 'x-one': 'a' })).to.deep.equal([])
  })

  it('follows references', () => {
    const schema = {
      properties: { to: { $ref: '#/$defs/place' } },
      $defs: { place: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
    }
    expect(argumentProblems(schema, { to: { city: 'Rome' } })).to.deep.equal([])
    expect(argumentProblems(schema, { to: {} })).to.have.length(1)
    expect(argumentProblems({ properties: { to: { $ref: 'https://a.example/schema' } } }, { to: 1 })).to.deep.equal([])
  })

  it('follows a reference to itself as far as it has to', () => {
    const node = { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/$defs/node' } } }
    const schema = { properties: { list: { $ref: '#/$defs/node' } }, $defs: { node } }
    expect(argumentProblems(schema, { list: { name: 'a', next: { name: 'b' } } })).to.deep.equal([])
    expect(argumentProblems(schema, { list: { name: 'a', next: { name: 2 } } })).to.have.length(1)
    expect(argumentProblems({ allOf: [{ $ref: '#' }] }, {})).to.deep.equal([])
  })

  it('reads no more of a schema that doubles itself by references than of another', () => {
    const names = Array.from({ length: 40 }, (_, level) => `d${level}`)
    const $defs = Object.fromEntries(
      names.map((name, level) => {
        const next = { $ref: `#/$defs/d${level + 1}` }
        return [name, level + 1 < names.length ? { allOf: [next, next] } : { type: 'object' }]
      }),
    )
    expect(argumentProblems({ properties: { a: { $ref: '#/$defs/d0' } }, $defs }, { a: {} })).to.deep.equal([])
  })
})
