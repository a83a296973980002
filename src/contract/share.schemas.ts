import { z } from 'zod'
import { futureInput } from './inputs.ts'

export const shareBody = z.strictObject({
  /** Null: until it is revoked. */
  expiresAt: futureInput.nullable().default(null),
})

export type ShareBody = z.output<typeof shareBody>
/** A link as clients ask for it. */
export type ShareInput = z.input<typeof shareBody>
