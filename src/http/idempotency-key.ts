import { invalidRequest } from '../shared/errors.ts'

const KEY = /^[\x21-\x7e]{1,255}$/

/** The Idempotency-Key header. @throws AppError 400 for one that is empty, too long or not printable ASCII */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  if (typeof header === 'string' && KEY.test(header)) return header
  throw invalidRequest([{ path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }])
}
