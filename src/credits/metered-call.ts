import { costOf, type PriceVersion } from './pricing.ts'
import type { TokenUsage } from './usage.ts'

/** What a provider was asked for. */
export const PURPOSES = ['speak', 'supervise', 'moderate', 'title', 'summary'] as const
export type Purpose = (typeof PURPOSES)[number]

/** One provider request with what it used and what that is priced at. `call` counts the requests of one turn from 0. */
export interface MeteredCall {
  call: number
  purpose: Purpose
  agentId: string | null
  /** Shown in the line of the statement; the agent may be gone by then. */
  agentName?: string | null
  connectionId: string | null
  provider: string
  model: string
  usage: TokenUsage
  price: PriceVersion
  /** Share of the price that is charged, in parts per million (own keys may cost less). */
  ratePpm: bigint
}

/** What calls cost in micro-credits, each rounded by itself. */
export const costOfCalls = (calls: ReadonlyArray<Pick<MeteredCall, 'price' | 'usage' | 'ratePpm'>>): bigint =>
  calls.reduce((sum, { price, usage, ratePpm }) => sum + costOf(price, usage, ratePpm), 0n)
