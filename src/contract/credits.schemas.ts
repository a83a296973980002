import { z } from 'zod'
import { formatCredits } from '../shared/money.ts'
import { creditsInput } from './credits-input.ts'
import { idInput, momentInput, momentOrDayInput } from './inputs.ts'

/** The most that a million tokens may cost: 100,000,000 credits. Above it is a mistake, not a price. */
export const MOST_PER_MTOK = 100_000_000_000_000n
/** The most that a call may cost: 1,000,000 credits. */
export const MOST_PER_CALL = 1_000_000_000_000n

export const USAGE_GROUPS = ['day', 'model', 'agent', 'conversation'] as const
export type UsageGroup = (typeof USAGE_GROUPS)[number]

/** The largest grant or correction that one request may make: a billion credits. */
const MOST_ADDED = 1_000_000_000_000_000n

const price = (most: bigint) =>
  creditsInput
    .refine((amount) => amount >= 0n, 'must not be negative')
    .refine((amount) => amount <= most, `must not be more than ${formatCredits(most)}`)

const perMTok = price(MOST_PER_MTOK)
const name = z.string().trim().min(1).max(200)

const rates = {
  inputPerMTok: perMTok,
  outputPerMTok: perMTok,
  cachedInputPerMTok: perMTok,
  cacheWritePerMTok: perMTok,
  reasoningPerMTok: perMTok,
  perCall: price(MOST_PER_CALL),
}

/** What is not given costs what its dearer relative costs, never nothing: caches as input, reasoning as output. */
export const priceBody = z
  .strictObject({
    provider: name,
    model: name,
    ...rates,
    cachedInputPerMTok: perMTok.optional(),
    cacheWritePerMTok: perMTok.optional(),
    reasoningPerMTok: perMTok.optional(),
    perCall: rates.perCall.default(0n),
  })
  .refine(({ provider, model }) => provider !== '*' || model === '*', {
    path: ['model'],
    message: 'must be "*" where the provider is',
  })
  .transform((body) => ({
    ...body,
    cachedInputPerMTok: body.cachedInputPerMTok ?? body.inputPerMTok,
    cacheWritePerMTok: body.cacheWritePerMTok ?? body.inputPerMTok,
    reasoningPerMTok: body.reasoningPerMTok ?? body.outputPerMTok,
  }))

/** Fields that are not given stay as they are. */
export const priceChangeBody = z
  .strictObject({
    ...rates,
    /** When the version starts; without it, now. */
    effectiveFrom: momentInput.refine((when) => when.getTime() >= Date.now() - 60_000, 'must not be in the past'),
  })
  .partial()
  .refine((body) => Object.keys(body).some((field) => field !== 'effectiveFrom'), 'must change a price')

export const addBody = z.strictObject({
  userId: idInput,
  /** Negative takes credits back. */
  amount: creditsInput
    .refine((amount) => amount !== 0n, 'must not be zero')
    .refine((amount) => amount <= MOST_ADDED && amount >= -MOST_ADDED, `must be at most ${formatCredits(MOST_ADDED)}`),
  reason: z.string().trim().min(1).max(500),
})

export const TRANSACTION_TYPES = ['grant', 'charge', 'adjustment', 'refund'] as const
export type TransactionType = (typeof TRANSACTION_TYPES)[number]

/** Beside a page's limit and cursor. */
export const transactionsFilter = {
  type: z.enum(TRANSACTION_TYPES).optional(),
  runId: idInput.optional(),
  conversationId: idInput.optional(),
  from: momentOrDayInput.optional(),
  to: momentOrDayInput.optional(),
}

export const usageQuery = z.strictObject({
  by: z.enum(USAGE_GROUPS).default('day'),
  from: momentOrDayInput.optional(),
  to: momentOrDayInput.optional(),
  limit: z.coerce.number().int().min(1).max(366).default(100),
})

/** Beside a page's limit and cursor. */
export const lossesFilter = { from: momentOrDayInput.optional(), to: momentOrDayInput.optional() }

/** Prices and additions as clients write them: credits are decimal strings. */
export type PriceInput = z.input<typeof priceBody>
export type PriceChange = z.input<typeof priceChangeBody>
export type CreditsInput = z.input<typeof addBody>
export type UsageQuery = Omit<z.input<typeof usageQuery>, 'limit'> & { limit?: number | undefined }
export type TransactionsFilter = z.input<z.ZodObject<typeof transactionsFilter>>
