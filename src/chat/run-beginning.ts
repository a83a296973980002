import type { AgentService } from '../agents/agent.service.ts'
import type { ConnectionService } from '../connections/connection.service.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { PriceBook } from '../credits/price-book.ts'
import type { Tx } from '../database/transaction.ts'
import { following } from '../runs/following.ts'
import type { Run } from '../runs/run.entity.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import { newId } from '../shared/ids.ts'
import { runOrigin } from '../shared/request-origin.ts'
import type { AcceptRepository } from './accept.repository.ts'
import { leastHolds, leastOf } from './least-hold.ts'

export interface BeginningDependencies {
  agents: Pick<AgentService, 'inOrder'>
  accepts: Pick<AcceptRepository, 'look'>
  connections: Pick<ConnectionService, 'open'>
  prices: Pick<PriceBook, 'require'>
  ownKeyRatePpm: bigint
  ledger: Pick<LedgerService, 'requireAvailable'>
}

/** What a run has in common with one that is held like it; it decides who speaks first. */
export type BeginningRun = Pick<
  Run,
  | 'userId'
  | 'conversationId'
  | 'agentIds'
  | 'strategy'
  | 'maxTurns'
  | 'maxRounds'
  | 'maxCredits'
  | 'maxSeconds'
  | 'stopPhrase'
  | 'answer'
  | 'regenerates'
  | 'retries'
>

/**
 * Whether a run like this one could begin, with the words that it is told: everybody in it is there, and the credits reach for one of
 * those who speak first. `again`: it is one agent alone who says something anew, and who may be deleted.
 * @throws AppError 402; 404 when an agent is gone; 409, 422
 */
export async function requireBeginning(
  run: BeginningRun,
  user: { text: string; seq: number } | undefined,
  again: string | null | undefined,
  deps: BeginningDependencies,
  tx: Tx,
): Promise<void> {
  const { userId, agentIds, conversationId } = run
  const speaking = again ? [again] : agentIds
  const asked = { userId, agentIds: speaking, conversationId, fileIds: [], key: undefined, keyId: runOrigin()?.keyId }
  const known = await deps.accepts.look(asked, tx)
  const found = known.agents.map(({ agent }) => agent)
  // What a deleted agent said may be said anew all the same.
  const participants = again ? found : deps.agents.inOrder(found, agentIds, (position) => `agentIds.${position}`)
  const isParty = participants.length > 1
  const holds = leastHolds(known.agents, { words: user?.text ?? '', isParty }, deps)
  const first = following({ run, participants, turns: [], user, lastWords: '', spent: 0n, seconds: 0 })
  const speakers = again ? [again] : 'end' in first ? [] : first.speak
  deps.ledger.requireAvailable(known.available, leastOf(holds, speakers, participants[0]?.id), known.budgetLeft)
}

/** A run like this one, which is to begin. */
export function createLike(
  like: BeginningRun,
  { runs, runDeadlineMs }: { runs: Pick<RunRepository, 'create'>; runDeadlineMs: number },
  tx: Tx,
): Promise<Run> {
  const { userId, conversationId, agentIds, strategy, answer, regenerates, retries } = like
  const { maxTurns, maxRounds, maxCredits, maxSeconds, stopPhrase } = like
  const same = { userId, conversationId, agentIds, strategy, answer, regenerates, retries }
  const limits = { maxTurns, maxRounds, maxCredits, maxSeconds, stopPhrase }
  const deadlineAt = new Date(Date.now() + runDeadlineMs)
  return runs.create({ id: newId(), ...same, ...limits, status: 'queued', origin: runOrigin(), deadlineAt }, tx)
}
