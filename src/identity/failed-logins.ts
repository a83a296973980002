import type { AuditAction } from '../audit/audit-actions.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Logger } from '../shared/logger.ts'

/** A failed try: at which account (null: at none that there is), from which network. */
export interface FailedLogin {
  action: Extract<AuditAction, 'login.failed' | 'login.factor_failed'>
  targetId: string | null
  network: string
}

/** Each kind of failures that is told apart within one window: those at accounts, and those at no account. */
const MOST_KEPT_APART = 200

/**
 * Failed logins on their way into the audit log. Whoever guesses decides how many there are, so each is not an entry: the first of an
 * account and network is, at once; how many followed is another, when the window ends (`tell`). Beyond 200 of a kind in a window, the
 * rest is one number. A process thus writes at most 802 entries a window, and a crash loses the numbers of one window only.
 */
export class FailedLogins {
  readonly #audit: Pick<AuditLog, 'recordAlone'>
  readonly #logger: Logger
  #further = new Map<string, FailedLogin & { count: number }>()
  #keptApart = { account: 0, nobody: 0 }
  #others = 0

  constructor(dependencies: { audit: Pick<AuditLog, 'recordAlone'>; logger: Logger }) {
    this.#audit = dependencies.audit
    this.#logger = dependencies.logger
  }

  /** Never rejects. */
  async note(failed: FailedLogin): Promise<void> {
    const key = `${failed.action} ${failed.targetId} ${failed.network}`
    const known = this.#further.get(key)
    const kind = failed.targetId === null ? 'nobody' : 'account'
    if (known) known.count += 1
    else if (this.#keptApart[kind] >= MOST_KEPT_APART) this.#others += 1
    else {
      this.#keptApart[kind] += 1
      this.#further.set(key, { ...failed, count: 0 })
      await this.#write(failed, 1)
    }
  }

  /** Ends the window: tells how many followed the first ones. Never rejects. */
  async tell(): Promise<void> {
    const further = [...this.#further.values()].filter(({ count }) => count > 0)
    const others = this.#others
    this.#further = new Map()
    this.#keptApart = { account: 0, nobody: 0 }
    this.#others = 0
    for (const { count, ...failed } of further) await this.#write(failed, count)
    if (others > 0) await this.#write({ action: 'login.failed', targetId: null, network: 'many others' }, others)
  }

  async #write({ action, targetId, network }: FailedLogin, count: number): Promise<void> {
    try {
      await this.#audit.recordAlone({ action, actorId: null, targetId, network, details: { count } })
    } catch (error) {
      this.#logger.warn({ err: error, count }, 'failed logins could not be recorded')
    }
  }
}
