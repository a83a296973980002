import { isJsonObject } from '../shared/json-object.ts'

/** Members that hold a list of schemas, each of which judges the value itself; what they make of it is put together again. */
const ALIKE = ['allOf', 'anyOf', 'oneOf'] as const
/** Members that hold a schema for whatever is in the value, or a list of such. */
const WITHIN = ['items', 'prefixItems', 'additionalItems', 'additionalProperties', 'contains', 'propertyNames'] as const
/** Members that hold values, with each of which what is judged may be compared. */
const COMPARED = ['enum', 'type', 'required'] as const

/**
 * How much work it is to judge a value by a schema that `SchemaReader` has read: each schema with each value that it meets, at its worst, counted
 * until it is more than `most`. Judging itself cannot be stopped, and what fails remembers why: a schema of a kilobyte with a list of a few
 * thousand numbers would hold up a process, and fill its memory.
 */
export function looksAt(schema: unknown, value: unknown, most: number): number {
  const waiting: Array<[schema: unknown, value: unknown]> = [[schema, value]]
  const sizes = new Map<object, number>()
  let looks = 0
  for (let next = waiting.pop(); next && looks <= most; next = waiting.pop()) {
    const [judge, judged] = next
    if (Array.isArray(judge)) {
      for (const one of judge) waiting.push([one, judged])
      looks += judge.length
      continue
    }
    looks++
    if (!isJsonObject(judge)) continue
    const parts = isNested(judged) ? Object.values(judged) : []
    looks += parts.length
    for (const name of COMPARED) if (Array.isArray(judge[name])) looks += judge[name].length
    for (const name of ALIKE) {
      const schemas = judge[name]
      if (!Array.isArray(schemas)) continue
      looks += sizeOf(judged, sizes) * (name === 'allOf' ? schemas.length : 1)
      waiting.push([schemas, judged])
    }
    for (const name of WITHIN) {
      if (!(name in judge)) continue
      if (looks + parts.length > most) return looks + parts.length
      for (const part of parts) waiting.push([judge[name], part])
    }
    if (judge.uniqueItems === true) looks += sizeOf(judged, sizes)
    if (isJsonObject(judge.properties)) {
      for (const [name, one] of Object.entries(judge.properties)) {
        looks++
        if (isJsonObject(judged) && Object.hasOwn(judged, name)) waiting.push([one, judged[name]])
      }
    }
  }
  return looks
}

/** Values in a value, itself included. Its depth is bounded by whoever parsed it. */
function sizeOf(value: unknown, sizes: Map<object, number>): number {
  if (!isNested(value)) return 1
  const known = sizes.get(value)
  if (known !== undefined) return known
  const size = Object.values(value).reduce<number>((sum, one) => sum + sizeOf(one, sizes), 1)
  sizes.set(value, size)
  return size
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null
