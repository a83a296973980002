/** Credits as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { creditsAmount, idView, listOf, timeView, usageView } from './views.ts'

export const balanceView = z
  .object({ available: creditsAmount, held: creditsAmount, granted: creditsAmount, spent: creditsAmount })
  .meta({ id: 'Balance' })
export type BalanceView = z.infer<typeof balanceView>

/** A statement's line. `balanceAfter` is all that the user owns then: available and held. What is of a call is null where there was none. */
export const transactionView = z
  .object({
    id: idView,
    type: z.enum(['grant', 'charge', 'adjustment', 'refund']),
    /** Signed. */
    amount: creditsAmount,
    balanceAfter: creditsAmount,
    description: z.string().nullable(),
    conversationId: idView.nullable(),
    runId: idView.nullable(),
    turn: z.number().int().nullable(),
    call: z.number().int().nullable(),
    agentId: idView.nullable(),
    agentName: z.string().nullable(),
    provider: z.string().nullable(),
    model: z.string().nullable(),
    usage: usageView.nullable(),
    priceVersionId: idView.nullable(),
    priceVersion: z.number().int().nullable(),
    /** The share of the price that was charged. */
    rate: creditsAmount.nullable(),
    createdAt: timeView,
  })
  .meta({ id: 'Transaction' })
export type TransactionView = z.infer<typeof transactionView>

/** A price, in credits a million tokens and a call. `id` stays while `version` grows. */
export const priceView = z
  .object({
    id: idView,
    provider: z.string(),
    model: z.string(),
    inputPerMTok: creditsAmount,
    outputPerMTok: creditsAmount,
    cachedInputPerMTok: creditsAmount,
    cacheWritePerMTok: creditsAmount,
    reasoningPerMTok: creditsAmount,
    perCall: creditsAmount,
    version: z.number().int().min(1),
    effectiveFrom: timeView,
  })
  .meta({ id: 'Price' })
export type PriceView = z.infer<typeof priceView>

/** Calls of one day, model, agent or conversation. */
export const usageSumView = z
  .object({
    key: z.string().nullable(),
    /** The agent's name as it was last. */
    name: z.string().nullable(),
    calls: z.number().int().min(0),
    ...usageView.shape,
    credits: creditsAmount,
  })
  .meta({ id: 'UsageSum' })
export type UsageSumView = z.infer<typeof usageSumView>
export const usageSummaryView = z.object({
  by: z.enum(['day', 'model', 'agent', 'conversation']),
  from: timeView,
  to: timeView,
  ...listOf(usageSumView).shape,
})

/** A call, or the part of one, that the platform paid. */
export const lossView = z
  .object({
    id: idView,
    userId: idView,
    conversationId: idView.nullable(),
    runId: idView.nullable(),
    turn: z.number().int().nullable(),
    attempt: z.number().int().nullable(),
    call: z.number().int(),
    /** `lost`: of an attempt that came to nothing; `charged`: the user's credits ran out during the call. */
    outcome: z.enum(['charged', 'lost']),
    provider: z.string(),
    model: z.string(),
    usage: usageView,
    amount: creditsAmount,
    createdAt: timeView,
  })
  .meta({ id: 'Loss' })
export type LossView = z.infer<typeof lossView>
/** `total` is of all that the filter takes. */
export const lossesView = z.object({ total: creditsAmount, ...listOf(lossView).shape })

/** What a request to speak would cost: at least, and at most. */
export const estimateView = z
  .object({
    low: creditsAmount,
    high: creditsAmount,
    perAgent: z.array(z.object({ agentId: idView, low: creditsAmount, high: creditsAmount })),
  })
  .meta({ id: 'Estimate' })
export type EstimateView = z.infer<typeof estimateView>
