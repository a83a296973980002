import type { AgentService } from '../agents/agent.service.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { SearchSeats } from '../chat/search-seats.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { PublishBody, RepublishBody } from '../contract/gallery.schemas.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { PartyService } from '../parties/party.service.ts'
import { AppError, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { DailyUses } from './daily-uses.ts'
import { entryQuery, entryVector } from './entry-words.ts'
import type { EntryFields, EntryFilter, GalleryRepository, ListedEntry, WholeEntry } from './gallery.repository.ts'
import type { GalleryKind } from './gallery-entry.entity.ts'
import { agentSource, partySource, type Source, snapshotHash } from './gallery-snapshot.ts'

interface GalleryDependencies {
  entries: GalleryRepository
  agents: Pick<AgentService, 'lockOwn'>
  parties: Pick<PartyService, 'lockWhole'>
  uses: DailyUses
  seats: SearchSeats
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  /** Entries that one user may have (USER_GALLERY_ENTRIES). */
  most: number
}

/** What is looked for. */
export type Browsed = Omit<EntryFilter, 'query'> & { q?: string | undefined; tag?: string | undefined }

/** What users publish of theirs for all of this installation. */
export class GalleryService {
  readonly #deps: GalleryDependencies

  constructor(dependencies: GalleryDependencies) {
    this.#deps = dependencies
  }

  /** What everybody may see. Nothing is found where there is no word to look for. @throws AppError 429 `search.too_many`, 503 `server.busy` */
  list(userId: string, { q, tag, ...filter }: Browsed): Promise<ListedEntry[]> {
    const { entries, seats } = this.#deps
    const query = entryQuery(q, tag)
    if (query === '') return Promise.resolve([])
    const find = () => entries.list({ ...filter, query })
    return query === null ? find() : seats.during(userId, find)
  }

  /** All of one's own, removed ones too, newest first. */
  listOwn(userId: string, limit: number, before: string | undefined): Promise<ListedEntry[]> {
    return this.#deps.entries.listOf(userId, limit, before)
  }

  /** Whatever is to be seen, one's own, and for administrators removed ones too. @throws AppError 404 */
  async get(user: AuthUser, id: string): Promise<WholeEntry> {
    return found(await this.#deps.entries.find(user.id, id, user.role === 'admin'))
  }

  /**
   * Shows an agent or a party of one's own to everybody, as it is now.
   * @throws AppError 404 `agent.not_found`, `party.not_found`; 409 `gallery.published`, `gallery.too_many`, `gallery.removed`,
   * `party.agents_gone`; 429 `gallery.rate_limited`
   */
  async publish(user: AuthUser, { kind, id: sourceId, ...said }: PublishBody): Promise<WholeEntry> {
    const { entries, transactions, audit, most } = this.#deps
    const id = newId()
    return transactions.run(async (tx) => {
      const there = await entries.lockCount(user.id, tx)
      const fields = await this.#fields(user.id, { kind, sourceId }, said, tx)
      if (there >= most) throw tooMany('gallery', most)
      await entries.create({ id, userId: user.id, kind, sourceId }, fields, tx)
      await audit.record({ action: 'gallery.published', actorId: user.id, targetId: id, details: { kind } }, tx)
      return found(await entries.find(user.id, id, false, tx))
    })
  }

  /**
   * Publishes again what it was published from, as it is now; `check` is told what is shown before that.
   * @throws AppError 404, also when the agent or party is gone; 409 and 429 as `publish`
   */
  async republish(
    user: AuthUser,
    id: string,
    change: RepublishBody,
    check: (current: WholeEntry) => void = () => {},
  ): Promise<WholeEntry> {
    const { entries, transactions } = this.#deps
    return transactions.run(async (tx) => {
      const current = found(await entries.lockOwned(user.id, id, tx))
      check(current)
      const { description, tags, authorName } = { ...current, ...change }
      await entries.replace(id, await this.#fields(user.id, current, { description, tags, authorName }, tx), tx)
      return found(await entries.find(user.id, id, false, tx))
    })
  }

  /** Shows it to nobody any more; what was imported of it stays theirs who did. @throws AppError 404 */
  async unpublish(user: AuthUser, id: string): Promise<void> {
    const { entries, transactions, audit } = this.#deps
    await transactions.run(async (tx) => {
      if (!(await entries.delete(user.id, id, tx))) throw notFound('gallery')
      await audit.record({ action: 'gallery.unpublished', actorId: user.id, targetId: id }, tx)
    })
  }

  /** For administrators: takes it away from everybody but its author, who reads why. Repeating it changes nothing. @throws AppError 404 */
  async remove(actor: AuthUser, id: string, reason: string): Promise<WholeEntry> {
    const { entries, transactions, audit } = this.#deps
    return transactions.run(async (tx) => {
      const entry = found(await entries.lock(id, tx))
      if (entry.removedAt) return entry
      await entries.remove(entry, reason, tx)
      const details = { entryId: id, reason }
      await audit.record({ action: 'gallery.removed', actorId: actor.id, targetId: entry.userId, details }, tx)
      return found(await entries.find(actor.id, id, true, tx))
    })
  }

  /** What is written of it: the copy, and what its author says of it. Counts as one use of the day. */
  async #fields(
    userId: string,
    { kind, sourceId }: { kind: GalleryKind; sourceId: string },
    said: Pick<EntryFields, 'description' | 'tags' | 'authorName'>,
    tx: Tx,
  ): Promise<EntryFields> {
    const { entries, uses } = this.#deps
    const { kind: _, ...source } = await this.#source(userId, kind, sourceId, tx)
    const hash = snapshotHash({ kind, ...source }, said.description, said.tags)
    if (await entries.isRemoved(hash, tx)) throw new AppError('gallery.removed')
    await uses.take(userId, tx)
    return { ...source, ...said, snapshotHash: hash, vector: entryVector({ ...source, ...said }) }
  }

  async #source(userId: string, kind: GalleryKind, sourceId: string, tx: Tx): Promise<Source> {
    const { agents, parties } = this.#deps
    if (kind === 'agent') return agentSource(await agents.lockOwn(userId, sourceId, tx))
    const { party, agents: members } = await parties.lockWhole(userId, sourceId, tx)
    return partySource(party, members)
  }
}

function found(entry: WholeEntry | undefined): WholeEntry {
  if (!entry) throw notFound('gallery')
  return entry
}
