import type { z } from 'zod'
import { type FieldIssue, invalidRequest } from './errors.ts'
import { inspectInput } from './input-shape.ts'

/**
 * Checks what came from outside: its size first, then its texts, then what the schema asks for.
 * @throws AppError 400 with the path of each bad field
 */
export function checkedInput<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const { issues } = inspectInput(value)
  if (issues.length > 0) throw invalidRequest(issues)
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw invalidRequest(result.error.issues.flatMap(issuesOf))
}

const issuesOf = (issue: z.core.$ZodIssue): FieldIssue[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'is not a known field' }))
    : [{ path: issue.path.join('.'), message: issue.message }]
