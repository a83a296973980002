import { classOf } from '../src/connections/provider-address.ts'
import type { ProviderFailure } from '../src/connections/provider-errors.ts'
import { costOfCalls, type MeteredCall } from '../src/credits/metered-call.ts'
import { inputOf, outputOf, sumUsage } from '../src/credits/usage.ts'
import type { Metrics } from '../src/metrics/metrics.ts'
import type { Lane } from '../src/queue/job.ts'
import type { TurnClaim } from '../src/runs/turn-claim.ts'
import type { TurnResult } from '../src/runs/turn-result.ts'
import type { TurnRoom } from '../src/runs/turn-room.ts'
import type { Settled } from '../src/runs/turn-settlement.ts'
import type { Logger } from '../src/shared/logger.ts'
import { formatCredits } from '../src/shared/money.ts'
import type { TraceSpan, Tracing } from '../src/shared/tracing.ts'

export interface WatchDependencies {
  metrics: Metrics
  tracing: Tracing
  logger: Logger
}

/** Micro-credits as a number of credits: figures are for reading, the ledger is exact. */
const credits = (micro: bigint): number => Number(micro) / 1_000_000

/** What operators see of an attempt at a turn: one line in the log at its end, and the figures. Ids and numbers, no words. */
export class TurnWatch {
  readonly #deps: WatchDependencies
  readonly #lane: Lane
  readonly #room: TurnRoom
  readonly #startedAt = performance.now()
  readonly #span: TraceSpan
  #errorCode: string | undefined
  #isHeard = false

  constructor(dependencies: WatchDependencies, lane: Lane, claim: TurnClaim, room: TurnRoom) {
    this.#deps = dependencies
    this.#lane = lane
    this.#room = room
    // By the conventions for agents, whose names are words of users and stay out.
    this.#span = dependencies.tracing.begin('invoke_agent', {
      kind: 'consumer',
      parent: room.run.origin?.traceParent,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.id': claim.agentId ?? undefined,
        'gen_ai.conversation.id': claim.conversationId,
        'session.id': claim.conversationId,
        'user.id': claim.userId,
        'chatsparty.run.id': claim.runId,
        'chatsparty.turn': claim.turn,
        'chatsparty.attempt': claim.attempt,
        'chatsparty.request.id': room.run.origin?.requestId,
        'chatsparty.lane': lane,
      },
    })
  }

  /** The turn's place in its party's trace, for the calls that it makes. */
  get traceParent(): string | undefined {
    return this.#span.traceParent
  }

  /** The attempt is over, however it ended: settled, given back, or lost to another. */
  end(): void {
    this.#span.end(this.#errorCode)
  }

  /** The provider says something; the first time counts. */
  heard(): void {
    if (this.#isHeard) return
    this.#isHeard = true
    const { provider } = classOf(this.#room.terms.connection)
    this.#deps.metrics.firstTokenSeconds.observe({ provider }, this.#ms / 1_000)
  }

  /** An attempt failed, and its turn is tried again or not. */
  failed(claim: TurnClaim, failure: ProviderFailure, willRetry: boolean): void {
    const { metrics, logger } = this.#deps
    const { code, status, cause } = failure
    this.#errorCode = code
    const { provider, host, scope } = classOf(this.#room.terms.connection)
    if (code.startsWith('provider.')) {
      metrics.providerErrors.inc({ provider, host: metrics.hostLabel(host, scope), code })
    }
    const model = this.#model(claim)
    logger.warn({ ...this.#ids(claim), code, willRetry, provider, model, host, status, cause }, 'a turn failed')
  }

  /** An attempt ended without a result; the turn is done again. */
  gaveBack(lost: readonly MeteredCall[], result: 'retried' | 'given back', code: string): void {
    this.#count(result, code)
    this.#lose(lost)
  }

  /** The attempt was settled. */
  settled(claim: TurnClaim, result: TurnResult, { money }: Pick<Settled, 'money'>): void {
    const { metrics, logger } = this.#deps
    const { calls, lostCalls, status } = result
    this.#count(result.passed ? 'passed' : status, result.error?.code ?? result.endedBy ?? 'none')
    this.#span.set({ 'gen_ai.agent.id': claim.agentId ?? undefined, 'chatsparty.credits': credits(money.charged) })
    metrics.turnSeconds.observe({ lane: this.#lane }, this.#ms / 1_000)
    metrics.creditsCharged.inc(credits(money.charged))
    this.#lose(lostCalls)
    for (const { provider, usage } of calls) {
      metrics.tokens.inc({ provider, kind: 'input' }, usage.inputTokens)
      metrics.tokens.inc({ provider, kind: 'cached' }, usage.cachedInputTokens + usage.cacheWriteTokens)
      metrics.tokens.inc({ provider, kind: 'output' }, usage.outputTokens)
      metrics.tokens.inc({ provider, kind: 'reasoning' }, usage.reasoningTokens)
    }
    // Its line was written when it failed.
    if (status === 'failed') return
    const used = sumUsage(calls.map(({ usage }) => usage))
    logger.info(
      {
        ...this.#ids(claim),
        result: result.passed ? 'passed' : status,
        endedBy: result.endedBy ?? undefined,
        provider: classOf(this.#room.terms.connection).provider,
        model: calls.at(-1)?.model ?? this.#model(claim),
        inputTokens: inputOf(used),
        outputTokens: outputOf(used),
        credits: formatCredits(money.charged),
      },
      'a turn ended',
    )
  }

  get #ms(): number {
    return performance.now() - this.#startedAt
  }

  #ids({ runId, turn, attempt, userId, conversationId }: TurnClaim) {
    const { requestId } = this.#room.run.origin ?? {}
    return { requestId, runId, turn, attempt, userId, conversationId, ms: Math.round(this.#ms) }
  }

  #model({ agentId }: TurnClaim): string | undefined {
    const { participants, onFallback, terms } = this.#room
    const speaker = participants.find(({ id }) => id === agentId) ?? participants[0]
    return (onFallback ? speaker?.fallbackModel : speaker?.model) ?? terms.connection?.model
  }

  #count(result: string, code: string): void {
    this.#deps.metrics.turns.inc({ lane: this.#lane, result, code })
    this.#span.set({ 'chatsparty.result': result })
  }

  #lose(calls: readonly MeteredCall[]): void {
    const lost = costOfCalls(calls)
    if (lost > 0n) this.#deps.metrics.creditsLost.inc(credits(lost))
  }
}
