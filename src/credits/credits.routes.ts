import type { Transactions } from '../database/transaction.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
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
import { addBody, lossesFilter, priceBody, priceChangeBody, transactionsFilter, usageQuery } from './credits.schemas.ts'
import type { LedgerService } from './ledger.service.ts'
import type { PriceBook } from './price-book.ts'
import type { StatementRepository } from './statement.repository.ts'

export interface CreditsRouteDependencies {
  transactions: Transactions
  ledger: LedgerService
  prices: PriceBook
  statements: StatementRepository
}

const DAY_MS = 86_400_000
/** The usage summary of somebody who names no dates. */
const USAGE_DAYS = 30

/** Balances, statements, usage and prices; an estimate needs agents, so its route is with the runs. */
export function creditsRoutes({ transactions, ledger, prices, statements }: CreditsRouteDependencies): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/credits/balance',
      access: 'user',
      handler: async ({ user }) => presentBalance(await ledger.balance(user.id)),
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/transactions',
      access: 'user',
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
      body: addBody,
      status: 201,
      handler: async ({ user, body: { userId, amount, reason }, headers }) => {
        const given = idempotencyKeyOf(headers['idempotency-key'])
        const key = `add:${user.id}:${given ?? newId()}`
        const kind = amount > 0n ? 'grant' : 'adjustment'
        const gift = { userId, kind, amount, key, description: reason, createdBy: user.id } as const
        const { repeated } = await transactions.run((tx) => ledger.give(gift, tx))
        const line = await statements.findByKey(key)
        if (!line) throw new Error(`Entry ${key} is missing.`)
        if (repeated && (line.userId !== userId || line.amount !== amount || line.description !== reason)) {
          throw new AppError('request.key_reused')
        }
        return presentTransaction(line)
      },
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/losses',
      access: 'admin',
      query: pageQuery.extend(lossesFilter),
      handler: async ({ query: { limit, cursor, ...filter } }) => {
        const { lines, total } = await statements.losses(filter, limit + 1, cursor)
        return { total: formatCredits(total), ...page(lines, limit, presentLoss) }
      },
    }),

    defineRoute({
      method: 'get',
      path: '/api/credits/models',
      access: 'user',
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
      method: 'post',
      path: '/api/credits/models',
      access: 'admin',
      body: priceBody,
      status: 201,
      handler: async ({ body: { provider, model, ...rates } }) =>
        presentPrice(await prices.add(provider, model, rates)),
    }),

    defineRoute({
      method: 'put',
      path: '/api/credits/models/:id',
      access: 'admin',
      params: idParams,
      body: priceChangeBody,
      handler: async ({ params, body: { effectiveFrom, ...rates } }) =>
        presentPrice(await prices.change(params.id, rates, effectiveFrom)),
    }),
  ]
}
