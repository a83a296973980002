import { z } from 'zod'
import { AppError, invalidRequest } from '../shared/errors.ts'

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
  if (result.success) return result.data
  if (where === 'params') throw new AppError(404, 'request.not_found', 'There is no such object.')
  throw invalidRequest(
    result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'is not a known field' }))
        : [{ path: issue.path.join('.'), message: issue.message }],
    ),
  )
}

/** `/:id` of a path. */
export const idParams = z.strictObject({ id: z.uuid() })
