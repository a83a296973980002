import type { Agent } from '../agents/agent.entity.ts'
import type { Connection } from '../connections/connection.entity.ts'
import type { TranscriptLine } from '../conversations/message.repository.ts'
import type { PriceVersion } from '../credits/pricing.ts'
import { fromJson } from '../database/json-row.ts'
import type { Run } from './run.entity.ts'
import type { Turn } from './turn.entity.ts'

/** A turn of the run, as what follows is decided by. */
export type RunTurn = Pick<
  Turn,
  | 'index'
  | 'agentId'
  | 'step'
  | 'kind'
  | 'status'
  | 'passed'
  | 'seenSeq'
  | 'messageId'
  | 'endedBy'
  | 'errorCode'
  | 'errorMessage'
>

/** A run as a turn reads it; its moments are not among it. */
export type RoomRun = Omit<
  Run,
  'createdAt' | 'startedAt' | 'finishedAt' | 'deadlineAt' | 'cancelRequestedAt' | 'pausedAt'
> & {
  isToStop: boolean
}

/** What is known in the room when a turn begins: read in one statement, with the claim. */
export interface TurnRoom {
  run: RoomRun
  /** The conversation's last `seq`: while it is the same, nobody has said anything. */
  lastSeq: number
  /** All of the run, ascending by index. */
  turns: RunTurn[]
  /** In the run's order; deleted agents too. */
  participants: Agent[]
  transcript: TranscriptLine[]
  summary: { text: string; upToSeq: number } | null
  /** What the user said last to this run. */
  user: { text: string; seq: number } | undefined
  /** The conversation's latest files. */
  fileIds: string[]
  /** Micro-credits that the user has left. */
  available: bigint
  /** What the run has spent, and spent and holds, in micro-credits; null without `maxCredits`. */
  spent: bigint | null
  committed: bigint | null
  /** Seconds since the run was first claimed, by the database's clock; and when they were read, by `performance.now()`. */
  secondsSinceStart: number
  readAt: number
  /** An earlier attempt at this turn has committed steps with tools: it goes on from them. */
  hasSteps: boolean
  /** Which connection and model answer for the speaker, and what that costs now; null where there is none. */
  terms: RoomTerms
  /** True when these are of the speaker's second connection. */
  onFallback: boolean
  /** What is known to be wrong with them; null where they are well. */
  trouble: { isOpen: boolean; code: string } | null
}

/** Terms as the rows say; the connection's key is still sealed. */
export interface RoomTerms {
  connection: Connection | null
  model: string | null
  price: PriceVersion | null
}

/** A room as `turn_room` answers it. */
export interface RoomRow {
  run: Record<string, unknown>
  maxCredits: string | null
  secondsSinceStart: number
  hasSteps: boolean
  lastSeq: number
  turns: RunTurn[]
  participants: Record<string, unknown>[]
  transcript: TranscriptLine[]
  summary: { text: string; upToSeq: number } | null
  user: { text: string; seq: number } | null
  fileIds: string[]
  available: string | null
  committed: string | null
  spent: string | null
  terms: TermsRow
  onFallback: boolean
  trouble: TurnRoom['trouble']
}

/** Terms as `agent_terms` answers them. */
export interface TermsRow {
  connection: Record<string, unknown> | null
  model: string | null
  price: Record<string, unknown> | null
}

const micro = (text: string | null): bigint | null => (text === null ? null : BigInt(text))

/** A price version that came as JSON. Its rates are below 2^53: the table's CHECK says so. */
function priceOf(row: Record<string, unknown>): PriceVersion {
  const rate = (name: string) => BigInt(Number(row[name]))
  return {
    id: String(row.id),
    priceId: String(row.price_id),
    provider: String(row.provider),
    model: String(row.model),
    version: Number(row.version),
    effectiveFrom: new Date(String(row.effective_from)),
    inputPerMTok: rate('input_per_mtok'),
    outputPerMTok: rate('output_per_mtok'),
    cachedInputPerMTok: rate('cached_input_per_mtok'),
    cacheWritePerMTok: rate('cache_write_per_mtok'),
    reasoningPerMTok: rate('reasoning_per_mtok'),
    perCall: rate('per_call'),
  }
}

export const termsOf = ({ connection, model, price }: TermsRow): RoomTerms => ({
  connection: connection && fromJson<Connection>(connection),
  model,
  price: price && priceOf(price),
})

/** The room that a row tells of. */
export function roomOf(row: RoomRow): TurnRoom {
  const { cancelRequestedAt, ...run } = fromJson<Run>(row.run)
  return {
    ...row,
    run: { ...run, maxCredits: micro(row.maxCredits), isToStop: cancelRequestedAt !== null },
    participants: row.participants.map((agent) => fromJson<Agent>(agent)),
    user: row.user ?? undefined,
    available: micro(row.available) ?? 0n,
    committed: micro(row.committed),
    spent: micro(row.spent),
    readAt: performance.now(),
    terms: termsOf(row.terms),
  }
}

/** The last `seq` that a speaker in this room reads: all that the user said to the run up to it counts as heard, whatever fitted. */
export const seenSeqOf = ({ transcript }: Pick<TurnRoom, 'transcript'>): number =>
  Math.max(0, ...transcript.map((line) => line.seq))
