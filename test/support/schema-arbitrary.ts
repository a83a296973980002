import fc from 'fast-check'
import { z } from 'zod'
import type { Schema } from './openapi.ts'

const shape = z.object({
  $ref: z.string().optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  examples: z.array(z.unknown()).optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  anyOf: z.array(z.record(z.string(), z.unknown())).optional(),
  oneOf: z.array(z.record(z.string(), z.unknown())).optional(),
  items: z.record(z.string(), z.unknown()).optional(),
  properties: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  required: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
})

/** Letters of each kind that texts are made of. */
const letters = fc.string({ unit: 'grapheme', maxLength: 30 })

/** Values that a JSON Schema takes, as far as it says so itself; `resolve` follows references. */
export function valuesOf(schema: Schema, resolve: (ref: string) => Schema): fc.Arbitrary<unknown> {
  const given = shape.parse(schema)
  const of = (one: Schema) => valuesOf(one, resolve)
  if (given.$ref) return of(resolve(given.$ref))
  if (given.const !== undefined) return fc.constant(given.const)
  if (given.enum) return fc.constantFrom(...given.enum)
  const choices = given.anyOf ?? given.oneOf
  if (choices) return fc.oneof(...choices.map(of))
  const [type = 'object'] = [given.type ?? 'object'].flat()
  switch (type) {
    case 'string':
      return stringsOf(given)
    case 'integer':
      return fc.integer({ min: Math.ceil(given.minimum ?? -1_000), max: Math.min(given.maximum ?? 1_000, 2 ** 31 - 1) })
    case 'number':
      return fc.double({ min: given.minimum ?? -1_000, max: given.maximum ?? 1_000, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array': {
      const { minItems: minLength = 0, maxItems = 4 } = given
      const item = given.items ? of(given.items) : fc.constant(null)
      return fc.uniqueArray(item, {
        minLength,
        maxLength: Math.max(minLength, Math.min(maxItems, 4)),
        comparator: 'SameValue',
      })
    }
    default: {
      const required = new Set(given.required)
      const parts = Object.entries(given.properties ?? {}).map(([name, part]) => [name, of(part)] as const)
      return fc.record(
        Object.fromEntries(
          parts.map(([name, part]) => [name, required.has(name) ? part : fc.option(part, { nil: undefined })]),
        ),
      )
    }
  }
}

function stringsOf(given: z.infer<typeof shape>): fc.Arbitrary<string> {
  switch (given.format) {
    case 'uuid':
      return fc.uuid()
    case 'email':
      return fc.integer({ min: 1, max: 1e9 }).map((number) => `somebody${number}@example.com`)
    case 'date':
      return fc.constantFrom('2026-01-31', '2026-11-26')
    case 'date-time':
      return fc
        .date({ min: new Date('2027-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString())
    default:
  }
  if (given.pattern) return fc.stringMatching(new RegExp(given.pattern, 'u'))
  const { minLength = 0, maxLength = 30 } = given
  return letters.map((text) => {
    const fitting = [...text].reduce(
      (sum, letter) => (sum.length + letter.length <= maxLength ? sum + letter : sum),
      '',
    )
    return fitting.padEnd(minLength, 'x')
  })
}
