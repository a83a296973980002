import { z } from 'zod'

/** What JSON Schemas of ours are made of, as far as samples need it. */
interface Schema {
  $ref?: string
  const?: unknown
  enum?: unknown[]
  examples?: unknown[]
  default?: unknown
  type?: string | string[]
  format?: string
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  minimum?: number
}

const schema: z.ZodType<Schema> = z.looseObject({})
/** Of schemas that lead back to themselves. */
const MOST_DEPTH = 24

/**
 * A value that a schema takes: its own example, else one made of its parts. Of alternatives the first; what may be absent is there.
 * `components` are what `#/components/schemas/` refers to.
 */
export function sampleOf(of: unknown, components: Readonly<Record<string, unknown>>, depth = 0): unknown {
  const given = schema.parse(of)
  const next = (part: unknown) => sampleOf(part, components, depth + 1)
  if (depth > MOST_DEPTH) return null
  if (given.$ref !== undefined) return next(components[given.$ref.replace('#/components/schemas/', '')] ?? {})
  for (const ready of [given.examples?.[0], given.const, given.enum?.[0], given.default]) {
    if (ready !== undefined) return ready
  }
  const [first] = given.oneOf ?? given.anyOf ?? []
  if (first) return next(first)
  if (given.allOf) return Object.assign({}, ...given.allOf.map(next))
  const [type] = [given.type ?? 'object'].flat()
  switch (type) {
    case 'object':
      return Object.fromEntries(Object.entries(given.properties ?? {}).map(([name, part]) => [name, next(part)]))
    case 'array':
      return given.items ? [next(given.items)] : []
    case 'integer':
    case 'number':
      return Math.max(given.minimum ?? 0, 1)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return given.format === 'binary' ? '...' : 'text'
  }
}
