import type { AuditLog } from '../audit/audit-log.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
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
      handler: ({ user, body: { provider, model, ...rates } }) =>
        pricing('price.created', user.id, (tx) => prices.add(provider, model, rates, tx)),
    }),

    defineRoute({
      method: 'put',
      path: '/api/credits/models/:id',
      access: 'admin',
      params: idParams,
      body: priceChangeBody,
      handler: ({ user, params, body: { effectiveFrom, ...rates } }) =>
        pricing('price.changed', user.id, (tx) => prices.change(params.id, rates, effectiveFrom, tx)),
    }),
  ]
}
