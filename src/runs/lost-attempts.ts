import type { TurnName } from '../contract/attempt.ts'
import { affordableTokens } from '../credits/hold-size.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { MeteredCall } from '../credits/metered-call.ts'
import type { PriceBook } from '../credits/price-book.ts'
import { countTokens } from '../credits/token-counting.ts'
import { hiddenTokens } from '../credits/usage.ts'
import type { Tx } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import type { Logger } from '../shared/logger.ts'
import type { ToolCallRepository, ToolState } from '../tools/tool-call.repository.ts'
import type { Run } from './run.entity.ts'
import type { Turn } from './turn.entity.ts'

interface LostAttemptDependencies {
  ledger: Pick<LedgerService, 'recordLoss'>
  prices: Pick<PriceBook, 'version'>
  feed: Pick<LiveFeed, 'readTurn'>
  toolCalls: Pick<ToolCallRepository, 'said' | 'state'>
  logger: Logger
}

/** What an attempt used whose worker is gone, as far as anybody can know: the terms it noted, and its live text. */
export class LostAttempts {
  readonly #deps: LostAttemptDependencies

  constructor(dependencies: LostAttemptDependencies) {
    this.#deps = dependencies
  }

  /**
   * The words that the attempt had streamed, and what its turn had committed before (`said`). Only the latter when the feed is away or has
   * lost them: it forgets sooner than people decide.
   */
  async textOf(run: Run, turn: Pick<Turn, 'index' | 'attempt'>, said: string): Promise<string> {
    const live = await this.#liveText(run, turn)
    return live.length > said.length ? live : said
  }

  /** What its turn had done with tools; undefined where it had not. */
  async toolsOf(turn: TurnName, tx?: Tx): Promise<ToolState | undefined> {
    const state = await this.#deps.toolCalls.state(turn, tx)
    return state.steps.length > 0 ? state : undefined
  }

  async #liveText(run: Run, turn: Pick<Turn, 'index' | 'attempt'>): Promise<string> {
    try {
      const live = await this.#deps.feed.readTurn({
        conversationId: run.conversationId,
        runId: run.id,
        turn: turn.index,
      })
      return live?.attempt === turn.attempt ? live.text : ''
    } catch (error) {
      this.#deps.logger.warn(
        { err: error, runId: run.id, turn: turn.index },
        'live text of a lost attempt cannot be read',
      )
      return ''
    }
  }

  /** The attempt's call, estimated and marked so; none when it had not come to its call. */
  async estimate(turn: Pick<Turn, 'agentId' | 'quote'>, text: string, tx?: Tx): Promise<MeteredCall[]> {
    const { quote } = turn
    if (!quote) return []
    const price = await this.#deps.prices.version(quote.priceVersionId, tx)
    const { inputTokens, held, hiddenTokensPerSecond, askedAt = Date.now(), said = 0 } = quote
    const ratePpm = BigInt(quote.ratePpm)
    // It was allowed what was held for it.
    const mostOutput = held ? affordableTokens({ price, ratePpm }, inputTokens, BigInt(held)) : Number.MAX_SAFE_INTEGER
    const outputTokens = Math.min(await countTokens(text.slice(said)), mostOutput)
    const hidden = Math.min(hiddenTokens(hiddenTokensPerSecond, Date.now() - askedAt), mostOutput)
    const usage = {
      inputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens,
      reasoningTokens: Math.max(0, hidden - outputTokens),
      estimated: true,
    }
    const { call, purpose, connectionId, provider, model } = quote
    return [{ call, purpose, agentId: turn.agentId, connectionId, provider, model, usage, price, ratePpm }]
  }

  /** Books the attempt as the platform's loss. */
  async record(run: Run, turn: Turn, tx: Tx): Promise<void> {
    const { id: runId, userId, conversationId } = run
    const said = await this.#deps.toolCalls.said({ runId, turn: turn.index }, tx)
    const calls = await this.estimate(turn, await this.textOf(run, turn, said), tx)
    await this.#deps.ledger.recordLoss(
      {
        runId,
        turn: turn.index,
        attempt: turn.attempt,
        userId,
        conversationId,
        calls,
      },
      tx,
    )
  }
}
