import type { TransactionType } from '../contract/credits.schemas.ts'
import type { BalanceView, LossView, PriceView, TransactionView, UsageSumView } from '../contract/credits-views.ts'
import { formatCredits } from '../shared/money.ts'
import type { Balance } from './ledger.repository.ts'
import type { PriceVersion } from './pricing.ts'
import type { LossLine, StatementKind, StatementLine, UsageSum } from './statement.repository.ts'

export const presentBalance = ({ available, held, granted, spent }: Balance): BalanceView => ({
  available: formatCredits(available),
  held: formatCredits(held),
  granted: formatCredits(granted),
  spent: formatCredits(spent),
})

/** Clients read `charge` where the ledger says `post`. */
const typeOf = (kind: StatementKind) => (kind === 'post' ? 'charge' : kind)
export const kindOf = (type: TransactionType): StatementKind => (type === 'charge' ? 'post' : type)

/** A statement's line. `balanceAfter` is all that the user owns then: available and held. */
export const presentTransaction = ({ charge, ...line }: StatementLine): TransactionView => ({
  id: line.id,
  type: typeOf(line.kind),
  amount: formatCredits(line.amount),
  balanceAfter: formatCredits(line.balanceAfter),
  description: line.description,
  conversationId: charge?.conversationId ?? null,
  runId: line.runId,
  turn: line.turn,
  call: charge?.call ?? null,
  agentId: charge?.agentId ?? null,
  agentName: charge?.agentName ?? null,
  provider: charge?.provider ?? null,
  model: charge?.model ?? null,
  usage: charge?.usage ?? null,
  priceVersionId: charge?.priceVersionId ?? null,
  priceVersion: charge?.priceVersion ?? null,
  rate: charge ? formatCredits(charge.ratePpm) : null,
  createdAt: line.createdAt.toISOString(),
})

export const presentPrice = (price: PriceVersion): PriceView => ({
  id: price.priceId,
  provider: price.provider,
  model: price.model,
  inputPerMTok: formatCredits(price.inputPerMTok),
  outputPerMTok: formatCredits(price.outputPerMTok),
  cachedInputPerMTok: formatCredits(price.cachedInputPerMTok),
  cacheWritePerMTok: formatCredits(price.cacheWritePerMTok),
  reasoningPerMTok: formatCredits(price.reasoningPerMTok),
  perCall: formatCredits(price.perCall),
  version: price.version,
  effectiveFrom: price.effectiveFrom.toISOString(),
})

export const presentUsage = ({ key, name, calls, usage, credits }: UsageSum): UsageSumView => ({
  key,
  name,
  calls,
  ...usage,
  credits: formatCredits(credits),
})

export const presentLoss = (line: LossLine): LossView => ({
  id: line.id,
  userId: line.userId,
  conversationId: line.conversationId,
  runId: line.runId,
  turn: line.turn,
  attempt: line.attempt,
  call: line.call,
  outcome: line.outcome,
  provider: line.provider,
  model: line.model,
  usage: line.usage,
  amount: formatCredits(line.amount),
  createdAt: line.createdAt.toISOString(),
})
