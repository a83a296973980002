import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { z } from 'zod'
import { formatCredits, parseCredits } from '../../src/shared/money.ts'
import type { ApiClient, TestUser } from '../support/api-client.ts'
import { ADMIN } from '../support/app.ts'
import type { MockProvider } from '../support/mock-llm.ts'

const credits = z.string().transform(parseCredits)
const usage = z.object({
  inputTokens: z.number(),
  cachedInputTokens: z.number(),
  cacheWriteTokens: z.number(),
  outputTokens: z.number(),
  reasoningTokens: z.number(),
  estimated: z.boolean(),
})
const balanceBody = z.object({ available: credits, held: credits, granted: credits, spent: credits })
const lineBody = z.looseObject({
  id: z.string(),
  amount: credits,
  balanceAfter: credits,
  runId: z.string().nullable(),
  turn: z.number().nullable(),
  priceVersion: z.number().nullable(),
  rate: z.string().nullable(),
  agentName: z.string().nullable(),
  usage: usage.nullable(),
})
const lossBody = z.looseObject({
  runId: z.string().nullable(),
  turn: z.number().nullable(),
  attempt: z.number().nullable(),
  outcome: z.string(),
  amount: credits,
  usage: usage.optional(),
  estimated: z.boolean().optional(),
})
const priceIdBody = z.looseObject({ id: z.string() })

/** Credits for a million tokens of each class, and per call. What is not given costs nothing. */
export type PriceList = Partial<
  Record<'input' | 'output' | 'cachedInput' | 'cacheWrite' | 'reasoning', string> & { perCall: string }
>

const ratesOf = ({ input, output, cachedInput, cacheWrite, reasoning, perCall }: PriceList) => ({
  inputPerMTok: input ?? '0',
  outputPerMTok: output ?? '0',
  cachedInputPerMTok: cachedInput ?? '0',
  cacheWritePerMTok: cacheWrite ?? '0',
  reasoningPerMTok: reasoning ?? '0',
  perCall: perCall ?? '0',
})

/** A model of the test's own at this price; `change` starts the next version. */
export async function pricedModel(api: ApiClient, prices: PriceList, provider: MockProvider = 'openai-compatible') {
  const admin = await api.login(ADMIN.email, ADMIN.password)
  const model = `priced-${randomUUID()}`
  const answer = await admin.post('/api/credits/models', { provider, model, ...ratesOf(prices) })
  expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
  const { id } = priceIdBody.parse(answer.body)
  return {
    model,
    async change(next: PriceList) {
      const changed = await admin.put(`/api/credits/models/${id}`, ratesOf(next))
      expect(changed.status, JSON.stringify(changed.body)).to.equal(200)
    },
  }
}

/** What a user has, in micro-credits. */
export const balanceOf = async (user: TestUser) => balanceBody.parse((await user.get('/api/credits/balance')).body)

/** The charges of a run (or of all) on the user's statement, oldest first; amounts are micro-credits, negative. */
export async function chargesOf(user: TestUser, runId?: string) {
  const { body } = await user.get(`/api/credits/transactions?type=charge&limit=100${runId ? `&runId=${runId}` : ''}`)
  return z
    .object({ data: z.array(lineBody) })
    .parse(body)
    .data.toReversed()
}

/** The platform's losses with a run, oldest first. */
export async function lossesOf(api: ApiClient, runId: string) {
  const admin = await api.login(ADMIN.email, ADMIN.password)
  const { body } = await admin.get('/api/credits/losses?limit=100')
  return z
    .object({ data: z.array(lossBody) })
    .parse(body)
    .data.filter((line) => line.runId === runId)
    .toReversed()
}

/** The sum of a statement's lines as a receipt writes it. */
export const paid = (lines: { amount: bigint }[]): string =>
  formatCredits(lines.reduce((sum, { amount }) => sum - amount, 0n))
