/** API keys as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { keyScopes } from './key-scopes.ts'
import { creditsAmount, idView, timeView } from './views.ts'

/** An API key; the key itself is shown once, when it is made. */
export const apiKeyView = z
  .object({
    id: idView,
    name: z.string(),
    /** How the key begins. */
    prefix: z.string(),
    scopes: z.array(z.enum(keyScopes)),
    /** Null: it does not expire. */
    expiresAt: timeView.nullable(),
    /** What its runs may cost in a month (UTC); null: what the account has. */
    monthlyCredits: creditsAmount.nullable(),
    /** What they hold and have cost in this month; null where that has no limit. */
    month: z.object({ held: creditsAmount, spent: creditsAmount }).nullable(),
    /** Right to some minutes; null: never. */
    lastUsedAt: timeView.nullable(),
    createdAt: timeView,
  })
  .meta({ id: 'ApiKey' })
export type ApiKeyView = z.infer<typeof apiKeyView>
/** What the answer to `POST /api/keys` has besides. */
export const newApiKeyView = apiKeyView.extend({ key: z.string() }).meta({ id: 'NewApiKey' })
export type NewApiKeyView = z.infer<typeof newApiKeyView>
