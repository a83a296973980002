import { z } from 'zod'
import { idInput } from '../contract/inputs.ts'
import { checkedInput } from '../shared/checked-input.ts'
import { AppError } from '../shared/errors.ts'
import { inspectInput, type ShapeLimits } from '../shared/input-shape.ts'

/**
 * Checks input against its schema, and before that its size.
 * @throws AppError 400 with the path of each bad field; 404 for a malformed id in the path, which names nothing.
 */
export function parseInput<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: 'params' | 'query' | 'body' = 'body',
  limits?: ShapeLimits,
): z.output<S> {
  if (where !== 'params') return checkedInput(schema, value, limits)
  // What cannot be stored was never the name of anything.
  const result = inspectInput(value).issues.length === 0 ? schema.safeParse(value) : undefined
  if (result?.success) return result.data
  throw new AppError('request.not_found/object')
}

/** `/:id` of a path. */
export const idParams = z.strictObject({ id: idInput })

/** Of a request that says all that it has to say in its path: a field that is sent was meant for something else. */
export const emptyBody = z.strictObject({})
