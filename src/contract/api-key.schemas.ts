import { z } from 'zod'
import { positiveCreditsInput } from './credits-input.ts'
import { futureInput } from './inputs.ts'
import { keyScopes } from './key-scopes.ts'

export const apiKeyBody = z.strictObject({
  name: z.string().trim().min(1, 'must not be empty').max(100),
  scopes: z
    .array(z.enum(keyScopes))
    .min(1)
    .max(keyScopes.length)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'must not name a scope twice'),
  /** Null: it does not expire. */
  expiresAt: futureInput.nullable().default(null),
  /** Credits that its runs may cost in a month; null: what the account has. */
  monthlyCredits: positiveCreditsInput.nullable().default(null),
})

export type ApiKeyBody = z.output<typeof apiKeyBody>
/** A key as clients ask for it. */
export type ApiKeyInput = z.input<typeof apiKeyBody>
