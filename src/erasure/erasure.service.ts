import type { Tx } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { newId } from '../shared/ids.ts'
import type { Logger } from '../shared/logger.ts'
import type { FileObjects } from '../storage/file-objects.ts'
import type { Erasure } from './erasure.entity.ts'
import type { ClaimedErasure, ErasureRepository } from './erasure.repository.ts'
import { AFTER_CONVERSATIONS, BEFORE_CONVERSATIONS, type ErasureStep, KEPT_FIGURES } from './erasure-steps.ts'

interface ErasureDependencies {
  erasures: ErasureRepository
  feed: Pick<LiveFeed, 'read' | 'end'>
  objects: Pick<FileObjects, 'removeEverything'>
  /** Tells those who have given a user's agents tokens that these are over; what comes of it nobody waits for. */
  revokeTokens: (userId: string) => Promise<void>
  /** ERASURE_SETTLE_MS. */
  settleMs: number
  logger: Logger
}

/** Rows of one statement. A conversation brings its runs along, and has its live text looked up. */
const BATCH = 1_000
const CONVERSATIONS = 100
const FILES = 50
/** An erasure whose worker has not moved for this long is another one's. */
const LEASE_MS = 60_000
/** Batches that the request which asks for it does itself: a small account is gone when it is answered. */
const BATCHES_AT_ONCE = 40
const RETRY_MS = 1_000
const RETRY_MAX_MS = 600_000
/** As long as whole audit entries are kept, whoever asks. */
const NETWORKS_DAYS = 30
const NETWORKS_BATCH = 20

/** There are more batches than this try may do. */
class Enough extends Error {}

/**
 * Erases users: at once they are nobody, then batch by batch what was theirs goes, from the rows and then from the store. Each step may be
 * repeated and each try goes on where the rows say: whoever dies in it, the next worker ends it.
 */
export class ErasureService {
  readonly #deps: ErasureDependencies

  constructor(dependencies: ErasureDependencies) {
    this.#deps = dependencies
  }

  /** Begins in the transaction that deletes the account. What it answers is called after the commit, and never rejects. */
  async begin(
    user: { id: string; emailKey: string | null },
    requestedBy: string,
    tx: Tx,
  ): Promise<() => Promise<void>> {
    const id = newId()
    await this.#deps.erasures.begin(id, user, requestedBy, tx)
    return async () => {
      try {
        const taken = await this.#deps.erasures.take(LEASE_MS, id)
        if (taken) await this.#try(taken)
      } catch (error) {
        this.#deps.logger.warn({ err: error, erasureId: id }, 'an erasure waits for a worker')
      }
    }
  }

  /** Does what is due, one after the other; for workers, on a timer. `isStopped` ends it between two of them. */
  async work(isStopped: () => boolean = () => false): Promise<void> {
    while (!isStopped()) {
      const taken = await this.#deps.erasures.take(LEASE_MS)
      if (!taken) return
      await this.#try(taken)
    }
  }

  list(limit: number, before: string | undefined): Promise<Erasure[]> {
    return this.#deps.erasures.list(limit, before)
  }

  /** Housekeeping, now and then. */
  async eraseNetworks(): Promise<void> {
    while ((await this.#deps.erasures.eraseNetworks(NETWORKS_DAYS, NETWORKS_BATCH)) === NETWORKS_BATCH);
  }

  /** One try, of at most `BATCHES_AT_ONCE`. */
  async #try(erasure: ClaimedErasure): Promise<void> {
    const { erasures, settleMs, logger } = this.#deps
    const { id, userId, phase, failures } = erasure
    let left = BATCHES_AT_ONCE
    const spend = () => {
      if (left-- <= 0) throw new Enough()
    }
    try {
      if (phase === 'rows') {
        await this.#removeRows(erasure, spend)
        await erasures.enter(id, 'objects', 0)
      } else if (phase === 'objects') {
        await this.#removeObjects(erasure, spend)
        await erasures.enter(id, 'settling', settleMs)
      } else {
        for (const step of KEPT_FIGURES) await this.#repeat(erasure, step, spend)
        await this.#removeObjects(erasure, spend)
        await erasures.enter(id, 'done', 0)
        logger.info({ erasureId: id, userId }, 'a user is erased')
      }
    } catch (error) {
      if (error instanceof Enough) return erasures.resume(id)
      logger.warn({ err: error, erasureId: id, userId, phase }, 'an erasure is tried again')
      // The kind of the error and no more: what the database or a store says may repeat the user's words.
      const kind = error instanceof Error ? error.name : 'Error'
      await erasures.failed(id, kind.slice(0, 100), Math.min(RETRY_MS * 2 ** Math.min(failures, 20), RETRY_MAX_MS))
    }
  }

  async #removeRows(erasure: ClaimedErasure, spend: () => void): Promise<void> {
    const { erasures } = this.#deps
    const { id, userId } = erasure
    for (const step of BEFORE_CONVERSATIONS) await this.#repeat(erasure, step, spend)
    for (;;) {
      const conversations = await erasures.conversationIds(userId, CONVERSATIONS)
      if (conversations.length === 0) break
      spend()
      await Promise.all(conversations.map((conversationId) => this.#forgetLiveText(conversationId)))
      await erasures.count(id, 'conversations', await erasures.removeConversations(conversations), LEASE_MS)
    }
    // Before the rows go that say of whom they are.
    await this.#deps.revokeTokens(userId)
    for (const step of AFTER_CONVERSATIONS) await this.#repeat(erasure, step, spend)
    for (;;) {
      const taken = await erasures.takeFiles(erasure, BATCH)
      if (taken === 0) break
      spend()
      await erasures.count(id, 'files', taken, LEASE_MS)
    }
    for (const step of KEPT_FIGURES) await this.#repeat(erasure, step, spend)
    await erasures.removeUser(erasure)
  }

  async #repeat(erasure: ClaimedErasure, step: ErasureStep, spend: () => void): Promise<void> {
    const { erasures } = this.#deps
    for (;;) {
      const changed = await erasures.step(step, erasure.userId, BATCH)
      if (changed === 0) return
      await erasures.count(erasure.id, step.what, changed, LEASE_MS)
      spend()
    }
  }

  async #removeObjects({ id }: ClaimedErasure, spend: () => void): Promise<void> {
    const { erasures, objects } = this.#deps
    for (;;) {
      const files = await erasures.filesToRemove(id, FILES)
      if (files.length === 0) return
      spend()
      await Promise.all(files.map((fileId) => objects.removeEverything(fileId)))
      await erasures.noteRemoved(id, files)
      await erasures.count(id, 'objectsOf', files.length, LEASE_MS)
    }
  }

  async #forgetLiveText(conversationId: string): Promise<void> {
    const { feed } = this.#deps
    for (const turn of await feed.read(conversationId)) await feed.end(turn)
  }
}
