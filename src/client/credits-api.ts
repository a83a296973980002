import type { z } from 'zod'
import type {
  CreditsInput,
  PriceChange,
  PriceInput,
  TransactionsFilter,
  UsageQuery,
} from '../contract/credits.schemas.ts'
import {
  type BalanceView,
  balanceView,
  type EstimateView,
  estimateView,
  lossesView,
  type PriceView,
  priceView,
  type TransactionView,
  transactionView,
  usageSummaryView,
} from '../contract/credits-views.ts'
import type { PartySend, SingleSend } from '../contract/events.ts'
import { listOf } from '../contract/views.ts'
import { keyed, type SendOptions } from './conversations-api.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** `/api/credits`. All amounts are exact decimal strings, such as "12.500000". */
export class CreditsApi extends ApiPart {
  balance(options: CallOptions = {}): Promise<BalanceView> {
    return this.rest.call('GET /api/credits/balance', balanceView, options)
  }

  /** Newest first. */
  transactions(
    query: PageQuery & TransactionsFilter = {},
    options: CallOptions = {},
  ): Promise<ListOf<TransactionView>> {
    return this.rest.call('GET /api/credits/transactions', listOf(transactionView), { query, ...options })
  }

  /** Sums by day, model, agent or conversation; of the last 30 days where no dates are named. */
  usage(query: UsageQuery = {}, options: CallOptions = {}): Promise<z.output<typeof usageSummaryView>> {
    return this.rest.call('GET /api/credits/usage', usageSummaryView, { query, ...options })
  }

  /** What the same body would cost as a chat. */
  estimate(body: SingleSend | PartySend, options: CallOptions = {}): Promise<EstimateView> {
    return this.rest.call('POST /api/credits/estimate', estimateView, { body, ...options })
  }

  /** Administrators: all versions of a price, newest first, those to come among them. */
  versions(id: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<PriceView>> {
    return this.rest.call('GET /api/credits/models/:id/versions', listOf(priceView), {
      params: { id },
      query,
      ...options,
    })
  }

  /** Prices of models. */
  models(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<PriceView>> {
    return this.rest.call('GET /api/credits/models', listOf(priceView), { query, ...options })
  }

  /** Administrators: gives credits, or, by a negative amount, takes them back. Safe to repeat. */
  add(body: CreditsInput, options: SendOptions = {}): Promise<TransactionView> {
    return this.rest.call('POST /api/credits/add', transactionView, { body, ...keyed(options) })
  }

  /** Administrators: what the platform paid itself. */
  losses(
    query: PageQuery & { from?: string | undefined; to?: string | undefined } = {},
    options: CallOptions = {},
  ): Promise<z.output<typeof lossesView>> {
    return this.rest.call('GET /api/credits/losses', lossesView, { query, ...options })
  }

  /** Administrators: the first price of a model. */
  createPrice(body: PriceInput, options: CallOptions = {}): Promise<PriceView> {
    return this.rest.call('POST /api/credits/models', priceView, { body, ...options })
  }

  /** Administrators: another version of it. What is left out stays as it is. */
  changePrice(id: string, body: PriceChange, options: CallOptions = {}): Promise<PriceView> {
    return this.rest.call('PUT /api/credits/models/:id', priceView, { params: { id }, body, ...options })
  }
}
