import type { Tx } from '../database/transaction.ts'
import { newId } from '../shared/ids.ts'
import { currentOrigin } from '../shared/request-origin.ts'
import type { AuditDetails, AuditEntry } from './audit.entity.ts'
import type { AuditFilter, AuditRepository } from './audit.repository.ts'
import type { AuditAction } from './audit-actions.ts'

/** What is recorded; where it came from is known from the request. */
export interface AuditRecord {
  action: AuditAction
  /** The signed-in user who did it; null for somebody who is not signed in, and for the system. */
  actorId: string | null
  targetId?: string | null
  /** Never a password, key, token or text of a conversation. Longer words are cut, and what is more than 20 left out. */
  details?: AuditDetails
  /** Of what users do with what is theirs: more of an action than this in an hour are not recorded, or one could fill the disk with them. */
  mostPerHour?: number
  /** Where it came from, for what is recorded after its request. */
  network?: string
}

/** Enough for whoever does it by hand. */
export const MOST_BY_USERS = 100
const DETAILS = 20
const DETAIL_CHARS = 200

/** Who did what, when and from where. Append-only. */
export class AuditLog {
  readonly #entries: AuditRepository

  constructor(entries: AuditRepository) {
    this.#entries = entries
  }

  /**
   * Records what this transaction does, so that there is one exactly when there is the other.
   *
   * @example await audit.record({ action: 'user.suspended', actorId: actor.id, targetId: userId, details: { reason } }, tx)
   */
  async record(record: AuditRecord, tx: Tx): Promise<void> {
    await this.#entries.add(entryOf(record), record.mostPerHour, tx)
  }

  /** Records what changed no rows, such as that somebody has looked at something. */
  async recordAlone(record: AuditRecord): Promise<void> {
    await this.#entries.add(entryOf(record), record.mostPerHour)
  }

  /** Newest first. */
  list(filter: AuditFilter, limit: number, cursor: string | undefined): Promise<AuditEntry[]> {
    return this.#entries.list(filter, limit, cursor)
  }
}

function entryOf(record: AuditRecord): Omit<AuditEntry, 'createdAt'> {
  const { action, actorId, targetId = null } = record
  const { network = null, userAgent = null, requestId = null } = currentOrigin() ?? {}
  const from = { network: record.network ?? network, userAgent, requestId }
  return { id: newId(), actorId, action, targetId, ...from, details: bounded(record.details ?? {}) }
}

const bounded = (details: AuditDetails): AuditDetails =>
  Object.fromEntries(
    Object.entries(details)
      .slice(0, DETAILS)
      // Cut before it is made storable: a half of a surrogate pair, or a NUL, is no text for PostgreSQL.
      .map(([name, value]) => [
        name,
        typeof value === 'string' ? value.slice(0, DETAIL_CHARS).replaceAll('\0', '').toWellFormed() : value,
      ]),
  )
