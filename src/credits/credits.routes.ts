import type { AuditLog } from '../audit/audit-log.ts'
import {
  addBody,
  lossesFilter,
  priceBody,
  priceChangeBody,
  transactionsFilter,
  usageQuery,
} from '../contract/credits.schemas.ts'
import { balanceView, lossesView, priceView, transactionView, usageSummaryView } from '../contract/credits-views.ts'
import { listOf } from '../contract/views.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { AppError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { formatCredits } from '../shared/money.ts'
import {
  kindOf,
  presentBalance,
  presentLoss,
  presentPrice,
  presentTransaction,
  presentUsage,
} from './credits.presenter.ts'
import type { LedgerService } from './ledger.service.ts'
import type { PriceBook } from './price-book.ts'
import type { PriceVersion } from './pricing.ts'
import type { StatementRepository } from './statement.repository.ts'

export interface CreditsRouteDependencies {
  transactions: Transactions
  audit: Pick<AuditLog, 'record' | 'recordAlone'>
  ledger: LedgerService
  prices: PriceBook
  statements: StatementRepository
}

const DAY_MS = 86_400_000
/** The usage summary of somebody who names no dates. */
const USAGE_DAYS = 30

/** Balances, statements, usage and prices; an estimate needs agents, so its route is with the runs. */
export function creditsRoutes(dependencies: CreditsRouteDependencies): Route[] {
  const { transactions, audit, ledger, prices, statements } = dependencies
  /** A change of prices and its entry are one. */
  const pricing = async (
    action: 'price.created' | 'price.changed',
    actorId: string,
    work: (tx: Tx) => Promise<PriceVersion>,
  ) =>
    transactions.run(async (tx) => {
      const price = await work(tx)
      const { provider, model, version } = price
      await audit.record({ action, actorId, targetId: price.priceId, details: { provider, model, version } }, tx)
      return presentPrice(price)
    })
  return [
    defineRoute({
      method: 'get',
      path: '/api/credits/balance',
      access: 'user',
      scope: 'read',
      summary: "One's own credits",
      response: balanceView,
      errors: [],
      handler: async ({ user }) => presentBalance(await ledger.balance(user.id)),
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/transactions',
      access: 'user',
      scope: 'read',
      summary: "One's own statement, newest first",
      response: listOf(transactionView),
      errors: [],
      query: pageQuery.extend(transactionsFilter),
      handler: async ({ user, query: { limit, cursor, type, ...filter } }) => {
        const kinds = type && [kindOf(type)]
        const lines = await statements.list(user.id, { ...filter, kinds }, limit + 1, cursor)
        return page(lines, limit, presentTransaction)
      },
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/usage',
      access: 'user',
      scope: 'read',
      summary: 'What was used, by day, model, agent or conversation',
      response: usageSummaryView,
      errors: [],
      query: usageQuery,
      handler: async ({ user, query }) => {
        const to = query.to ?? new Date()
        const from = query.from ?? new Date(to.getTime() - USAGE_DAYS * DAY_MS)
        const sums = await statements.usage(user.id, query.by, from, to, query.limit)
        return {
          by: query.by,
          from: from.toISOString(),
          to: to.toISOString(),
          data: sums.map(presentUsage),
          nextCursor: null,
        }
      },
    }),

    defineRoute({
      method: 'post',
      path: '/api/credits/add',
      access: 'admin',
      scope: 'admin',
      summary: 'Credits for a user, or taken back from one',
      response: transactionView,
      headers: ['Idempotency-Key'],
      errors: ['user.not_found', 'credits.insufficient', 'request.idempotency_conflict'],
      body: addBody,
      example: { userId: '01990000-0000-7000-8000-0000000000a1', amount: '100', reason: 'a gift' },
      status: 201,
      handler: async ({ user, body: { userId, amount, reason }, idempotencyKey }) => {
        const key = `add:${user.id}:${idempotencyKey ?? newId()}`
        const kind = amount > 0n ? 'grant' : 'adjustment'
        const gift = { userId, kind, amount, key, description: reason, createdBy: user.id } as const
        const { repeated } = await transactions.run(async (tx) => {
          const given = await ledger.give(gift, tx)
          const details = { amount: formatCredits(amount), reason, entryId: given.id }
          if (!given.repeated)
            await audit.record({ action: 'credits.added', actorId: user.id, targetId: userId, details }, tx)
          return given
        })
        const line = await statements.findByKey(key)
        if (!line) throw new Error(`Entry ${key} is missing.`)
        if (repeated && (line.userId !== userId || line.amount !== amount || line.description !== reason)) {
          throw new AppError('request.idempotency_conflict')
        }
        return presentTransaction(line)
      },
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/losses',
      access: 'admin',
      scope: 'admin',
      summary: 'What calls cost the platform, newest first',
      response: lossesView,
      errors: [],
      query: pageQuery.extend(lossesFilter),
      handler: async ({ user, query: { limit, cursor, ...filter } }) => {
        await audit.recordAlone({ action: 'credits.losses_read', actorId: user.id })
        const { lines, total } = await statements.losses(filter, limit + 1, cursor)
        return { total: formatCredits(total), ...page(lines, limit, presentLoss) }
      },
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/models',
      access: 'user',
      scope: 'read',
      summary: 'Prices of today',
      response: listOf(priceView),
      errors: [],
      query: pageQuery,
      handler: async ({ query: { limit, cursor } }) => {
        const current = await prices.list(limit + 1, cursor)
        // A page's cursor is what the client knows as the id.
        return page(
          current.map((price) => ({ ...price, id: price.priceId })),
          limit,
          presentPrice,
        )
      },
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/models/:id/versions',
      access: 'admin',
      scope: 'admin',
      summary: 'All versions of a price, newest first, those to come among them',
      response: listOf(priceView),
      errors: ['price.not_found'],
      params: idParams,
      query: pageQuery,
      handler: async ({ params, query: { limit, cursor } }) =>
        page(await prices.versions(params.id, limit + 1, cursor), limit, presentPrice),
    }),

    defineRoute({
      method: 'post',
      path: '/api/credits/models',
      access: 'admin',
      scope: 'admin',
      summary: 'The price of a model that had none',
      response: priceView,
      errors: ['credits.price_exists'],
      body: priceBody,
      example: { provider: 'openai', model: 'gpt-5-mini', inputPerMTok: '250', outputPerMTok: '2000' },
      status: 201,
      handler: ({ user, body: { provider, model, ...rates } }) =>
        pricing('price.created', user.id, (tx) => prices.add(provider, model, rates, tx)),
    }),

    defineRoute({
      method: 'put',
      path: '/api/credits/models/:id',
      access: 'admin',
      scope: 'admin',
      summary: 'A new version of a price',
      response: priceView,
      errors: ['price.not_found', 'credits.price_changed'],
      params: idParams,
      body: priceChangeBody,
      example: { outputPerMTok: '1800' },
      handler: ({ user, params, body: { effectiveFrom, ...rates } }) =>
        pricing('price.changed', user.id, (tx) => prices.change(params.id, rates, effectiveFrom, tx)),
    }),
  ]
}
