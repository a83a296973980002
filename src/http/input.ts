import { z } from 'zod'
import { AppError, type FieldIssue, invalidRequest } from '../shared/errors.ts'

/**
 * Checks input against its schema.
 * @throws AppError 400 with the path of each bad field; 404 for a malformed id in the path, which names nothing.
 */
export function parseInput<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: 'params' | 'query' | 'body' = 'body',
): z.output<S> {
  const result = schema.safeParse(value)
  const unstorable = where === 'params' ? [] : unstorableTexts(value)
  if (unstorable.length > 0) throw invalidRequest(unstorable)
  if (result.success) return result.data
  if (where === 'params') throw new AppError('request.not_found/object')
  throw invalidRequest(
    result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'is not a known field' }))
        : [{ path: issue.path.join('.'), message: issue.message }],
    ),
  )
}

/** Texts that PostgreSQL cannot store: with NUL characters, or halves of surrogate pairs. */
function unstorableTexts(value: unknown, path: string[] = []): FieldIssue[] {
  if (typeof value === 'string') {
    if (value.isWellFormed() && !value.includes('\0')) return []
    return [{ path: path.join('.'), message: 'must be valid text without NUL characters' }]
  }
  // What is nested deeper is in no schema, so it is refused anyway; the limit keeps the stack small.
  if (typeof value !== 'object' || value === null || path.length > 10) return []
  return Object.entries(value).flatMap(([key, item]) => unstorableTexts(item, [...path, key]))
}

/** `/:id` of a path. */
export const idParams = z.strictObject({ id: z.uuid() })
