import { type AcceptedView, acceptedView } from '../contract/views.ts'
import type { ShownMessage } from '../conversations/message.entity.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { Announcer } from '../runs/announcer.ts'
import type { Dispatcher } from '../runs/dispatcher.ts'
import type { IdempotencyRepository } from './idempotency.repository.ts'
import type { RequestKey } from './request-key.ts'

export interface AnewDependencies {
  idempotency: IdempotencyRepository
  transactions: Transactions
  announcer: Announcer
  dispatcher: Dispatcher
}

/** A run that says something anew, as it was written. */
export interface Anew {
  accepted: AcceptedView
  /** What was said before, which nobody hears any more. */
  superseded: ShownMessage[]
  /** What the user says in its place. */
  said?: ShownMessage
  version: number
}

/**
 * Accepts a run that says anew what was said: written once under a key, told and put into the queue after the commit.
 * @throws AppError 409 `request.idempotency_conflict`, and what `write` throws
 */
export async function acceptAnew(
  userId: string,
  key: RequestKey | undefined,
  write: (tx: Tx) => Promise<Anew>,
  { idempotency, transactions, announcer, dispatcher }: AnewDependencies,
): Promise<AcceptedView> {
  const request = key && { ...key, userId }
  const before = request && (await idempotency.find(request))
  if (before !== undefined) return acceptedView.parse(before)
  const outcome = await transactions.run(async (tx) => {
    const repeated = request && (await idempotency.reserve(request, tx))
    if (repeated !== undefined) return { repeated: acceptedView.parse(repeated) }
    const written = await write(tx)
    if (request) await idempotency.complete(request, written.accepted, tx)
    return written
  })
  if ('repeated' in outcome) return outcome.repeated
  const { accepted, superseded, said, version } = outcome
  const events = [...superseded, ...(said ? [said] : [])].map((message) => announcer.messageCreated(message))
  await announcer.runTold(userId, accepted, version, events)
  await dispatcher.admit(userId)
  return accepted
}
