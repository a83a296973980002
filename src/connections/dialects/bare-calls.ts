import type { KnownTools, NotedCall } from './call-notations.ts'
import { type Reading, Source, Unreadable } from './literals.ts'
import { isJson, type Json, json, list } from './wire.ts'
import { type WrittenCall, WrittenCalls } from './written-calls.ts'

/**
 * Knows whether an answer, as it streams, is nothing but calls that no mark tells from words: whole, of tools that there are, with
 * arguments that fit. It can tell from the first sign on that is none.
 */
export class BareCalls {
  readonly #source = new Source()
  readonly #reading: Reading<WrittenCall[]>
  #isOpen = true

  constructor(tools: KnownTools) {
    const fits = ({ name, args }: WrittenCall) => fitsSchema(args, tools.get(name) ?? {})
    this.#reading = new WrittenCalls(this.#source, tools.keys(), fits).answer()
  }

  /** Signs that were looked at. */
  get taken(): number {
    return this.#source.taken
  }

  /** False once the answer is something else, whatever may come. */
  push(delta: string): boolean {
    this.#source.push(delta)
    this.#next()
    return this.#isOpen
  }

  /** The calls, if that is what the answer was. */
  end(): NotedCall[] | undefined {
    this.#source.isOver = true
    return this.#next()?.map(({ name, args }) => ({ name, input: JSON.stringify(args) }))
  }

  #next(): WrittenCall[] | undefined {
    if (!this.#isOpen) return undefined
    try {
      const { done, value } = this.#reading.next()
      return done ? value : undefined
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.#isOpen = false
      return undefined
    }
  }
}

const TYPES: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: isJson,
}

/**
 * Whether arguments are of a tool by what its schema says of their names and types: enough to tell a call from an example of one, or from
 * the description of a tool. The rest is judged like that of any call.
 */
function fitsSchema(args: Json, schema: Json): boolean {
  const properties = json(schema.properties)
  const { additionalProperties: others = false, patternProperties } = schema
  const isClosed = isJson(schema.properties) && others === false && patternProperties === undefined
  if (!list(schema.required).every((name) => typeof name === 'string' && Object.hasOwn(args, name))) return false
  return Object.entries(args).every(([name, value]) => {
    if (!Object.hasOwn(properties, name)) return !isClosed
    const { type } = json(properties[name])
    const types = (Array.isArray(type) ? type : [type]).map(String).filter((one) => Object.hasOwn(TYPES, one))
    return types.length === 0 || types.some((one) => TYPES[one]?.(value))
  })
}
