import { z } from 'zod'
import { isJsonObject } from '../shared/json-object.ts'
import { looksAt } from './schema-looks.ts'
import type { ToolSchema } from './tool.ts'

/** What is told of arguments that do not fit, at most so many. */
const MOST_PROBLEMS = 5
/** Members that are not read: expressions of strangers could hold up everybody, and formats are for the tool to judge. */
const UNREAD = new Set([
  'pattern',
  'patternProperties',
  'format',
  '$schema',
  '$id',
  '$defs',
  'definitions',
  'contentEncoding',
  'contentMediaType',
])
/** Members that hold schemas by names, which may be any words. */
const BY_NAME = new Set(['properties', 'dependentSchemas'])
/** Members that hold values, and no schemas. */
const VALUES = new Set(['const', 'enum', 'default', 'examples', 'required', 'type'])
const MOST_DEPTH = 32
/** Objects that are read of a schema, with each reference in the place of which its schema stands: a few that name each other could be millions. */
export const MOST_OBJECTS = 1_000
/** What is judged takes at most so many looks (`looksAt`), a fifth of a second at their worst. More would hold up everybody else. */
const MOST_LOOKS = 60_000
const TOO_MANY = 'It has too many values to be checked: be brief.'

/** A schema as it is judged by: without what is not read, and without references. What is beyond its bounds asks for nothing. */
export class SchemaReader {
  readonly #root: ToolSchema
  #left = MOST_OBJECTS
  /** A reference that names nothing within the schema; what it stands for asks for nothing. */
  lost: string | undefined

  constructor(root: ToolSchema) {
    this.#root = root
  }

  /** Objects that were read so far, with each reference in its place; beyond `MOST_OBJECTS` they were not read. */
  get objects(): number {
    return MOST_OBJECTS - this.#left
  }

  read(value: unknown, depth = 0): unknown {
    if (Array.isArray(value)) return value.map((one) => this.read(one, depth + 1))
    if (!isJsonObject(value)) return value
    if (depth > MOST_DEPTH || this.#left-- <= 0) return {}
    const { $ref, ...members } = value
    const isOpen = 'patternProperties' in members
    const own = Object.fromEntries(
      Object.entries(members).flatMap(([name, one]): Array<[string, unknown]> => {
        // An expression that is not read might allow the name.
        if (UNREAD.has(name) || (isOpen && name === 'additionalProperties')) return []
        // Objects would be compared by identity, and none be the same.
        if (name === 'const' ? isNested(one) : name === 'enum' && Array.isArray(one) && one.some(isNested)) return []
        if (BY_NAME.has(name) && isJsonObject(one)) return [[name, this.#named(one, depth + 1)]]
        return [[name, VALUES.has(name) ? one : this.read(one, depth + 1)]]
      }),
    )
    const target = typeof $ref === 'string' ? this.#target($ref) : undefined
    if (typeof $ref === 'string' && target === undefined) this.lost ??= $ref
    if (!isJsonObject(target)) return own
    const there = this.read(target, depth + 1)
    return Object.keys(own).length === 0 ? there : { allOf: [there, own] }
  }

  #named(schemas: ToolSchema, depth: number): unknown {
    return Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, this.read(one, depth)]))
  }

  /** What a JSON pointer within the schema names. */
  #target(ref: string): unknown {
    if (ref !== '#' && !ref.startsWith('#/')) return undefined
    const path = ref.split('/').slice(1)
    return path.reduce<unknown>((at, part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      return (isJsonObject(at) || Array.isArray(at)) && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined
    }, this.#root)
  }
}

const isNested = (value: unknown): boolean => typeof value === 'object' && value !== null

/** What is wrong with the arguments of a call, for its model or for whoever wrote them; empty where nothing is. */
export const argumentProblems = (schema: ToolSchema, args: Record<string, unknown>): string[] =>
  schemaProblems(schema, args, 'arguments')

/**
 * What is wrong with an object by a schema, a few things of it, each with its place; `whole` names the object itself. A schema that
 * cannot be read asks for nothing: a tool judges by itself, and that of an answer was read when it was asked for. What is too much is
 * wrong, unseen.
 */
export function schemaProblems(schema: ToolSchema, object: Record<string, unknown>, whole: string): string[] {
  let judge: ReturnType<typeof judgeOf>
  try {
    judge = judgeOf(schema, new SchemaReader(schema))
  } catch {
    return []
  }
  if (looksAt(judge.schema, object, MOST_LOOKS) > MOST_LOOKS) return [TOO_MANY]
  const { error } = judge.type.safeParse(object)
  return (error?.issues ?? [])
    .slice(0, MOST_PROBLEMS)
    .map(({ path, message }) => `${path.map(String).join('.').slice(0, 100) || whole}: ${message.slice(0, 200)}`)
}

/** What judges objects by a schema, and the schema as it was read. @throws Error where it cannot be */
export function judgeOf(schema: ToolSchema, reader: SchemaReader): { schema: unknown; type: z.ZodType } {
  // An object without properties of its own is any object.
  const read = reader.read({ ...schema, type: 'object' })
  return { schema: read, type: z.fromJSONSchema(read as Parameters<typeof z.fromJSONSchema>[0]) }
}
