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

  it('are not judged where that would hold up everybody: each value by each schema, and by each value that is compared with it', () => {
    const numbers = Array.from({ length: 5_000 }, (_, number) => number)
    const tooMany = ['It has too many values to be checked: be brief.']
    const list = (items: unknown) => ({ properties: { a: { type: 'array', items } } })
    const many = (one: unknown) => Array.from({ length: 400 }, () => one)
    const attacks = {
      choices: list({ anyOf: many({ type: 'string' }) }),
      values: list({ enum: [...numbers.slice(0, 500), 'a'] }),
      types: list({ type: many('string') }),
      'all of them': { properties: { a: { allOf: many({ type: 'array' }) } } },
      'open objects': { additionalProperties: { anyOf: many({ additionalProperties: { type: 'string' } }) } },
      'by reference': { ...list({ anyOf: many({ $ref: '#/$defs/n' }) }), $defs: { n: { enum: [1, 'a'] } } },
    }
    for (const [name, schema] of Object.entries(attacks)) {
      expect(argumentProblems(schema, { a: numbers }), name).to.deep.equal(tooMany)
      expect(argumentProblems(schema, { a: [] }), `${name}, of little`).to.deep.equal([])
    }
  })

  it('are judged where a schema is large, or names itself, and what is given is as people write it', () => {
    const kinds = Array.from({ length: 25 }, (_, kind) => ({
      type: 'object',
      properties: { kind: { const: `k${kind}` }, words: { type: 'string' }, children: { $ref: '#/$defs/blocks' } },
      required: ['kind'],
    }))
    const schema = {
      properties: { blocks: { $ref: '#/$defs/blocks' } },
      $defs: { blocks: { type: 'array', items: { anyOf: kinds } } },
    }
    const blocks = Array.from({ length: 300 }, (_, block) => ({ kind: `k${block % 25}`, words: 'some', children: [] }))
    expect(argumentProblems(schema, { blocks })).to.deep.equal([])
  })
})
