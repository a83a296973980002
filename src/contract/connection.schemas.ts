import { z } from 'zod'
import { PROVIDERS } from './providers.ts'

const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(100),
  provider: z.enum(PROVIDERS),
  apiKey: z
    .string()
    .trim()
    .max(1_000)
    // It becomes a header's value.
    .regex(/^[\x21-\x7e]+$/, 'must consist of printable ASCII characters without spaces')
    .nullable(),
  baseUrl: z.string().trim().min(1, 'must not be empty').max(2_000).nullable(),
  model: z.string().trim().min(1, 'must not be empty').max(200),
  isDefault: z.boolean(),
}

export const createConnectionBody = z.strictObject({
  ...fields,
  apiKey: fields.apiKey.default(null),
  baseUrl: fields.baseUrl.default(null),
  isDefault: fields.isDefault.default(false),
  /** Administrators may create connections of the platform, for everybody. */
  scope: z.enum(['user', 'platform']).default('user'),
})
/** What is left out stays as it is; `apiKey: null` removes the key. */
export const updateConnectionBody = z.strictObject(fields).partial()

export type CreateConnectionBody = z.output<typeof createConnectionBody>
export type UpdateConnectionBody = z.output<typeof updateConnectionBody>
/** A connection as clients write it, and a change of one. */
export type ConnectionInput = z.input<typeof createConnectionBody>
export type ConnectionChange = z.input<typeof updateConnectionBody>
