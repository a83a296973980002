import { z } from 'zod'
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
  'contentEncoding',
  'contentMediaType',
])
const MOST_DEPTH = 32

function readable(value: unknown, depth = 0): unknown {
  if (depth > MOST_DEPTH) return {}
  if (Array.isArray(value)) return value.map((one) => readable(one, depth + 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (UNREAD.has(name) ? [] : [[name, readable(one, depth + 1)]])),
  )
}

/**
 * What is wrong with the arguments of a call, for its model or for whoever wrote them; empty where nothing is. A schema that cannot be
 * read asks for nothing: its tool judges by itself.
 */
export function argumentProblems(schema: ToolSchema, args: Record<string, unknown>): string[] {
  let judge: z.ZodType
  try {
    // An object without properties of its own is any object.
    judge = z.fromJSONSchema(readable({ ...schema, type: 'object' }) as Parameters<typeof z.fromJSONSchema>[0])
  } catch {
    return []
  }
  const { error } = judge.safeParse(args)
  return (error?.issues ?? [])
    .slice(0, MOST_PROBLEMS)
    .map(({ path, message }) => `${path.map(String).join('.').slice(0, 100) || 'arguments'}: ${message.slice(0, 200)}`)
}
