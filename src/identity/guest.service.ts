import type { AuditLog } from '../audit/audit-log.ts'
import type { GuestTermsView, SignedInView } from '../contract/account-views.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { KeepBody } from '../contract/identity.schemas.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError, tooManyGuests } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { formatCredits } from '../shared/money.ts'
import { doEach } from '../shared/steps.ts'
import { nameIn } from './auth.service.ts'
import { emailKeyOf } from './email-key.ts'
import type { Afterwards } from './email-link.service.ts'
import { refuseGuessable } from './guessable-password.ts'
import type { Invited } from './invitation.repository.ts'
import type { InvitationService } from './invitation.service.ts'
import { hashPassword } from './password.ts'
import type { SessionService } from './session.service.ts'
import type { SignInService } from './sign-in.service.ts'
import { isKept, type KeptUser } from './user.entity.ts'
import { presentUser } from './user.presenter.ts'
import type { UserRepository } from './user.repository.ts'
import type { UserService } from './user.service.ts'

interface GuestDependencies {
  users: UserRepository
  accounts: Pick<UserService, 'deleteDisused'>
  sessions: Pick<SessionService, 'endAll' | 'announceEnded' | 'tokenOf'>
  signIns: Pick<SignInService, 'begin'>
  invitations: Pick<InvitationService, 'use'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  /** GUESTS: false where none are taken in. Those who are there stay. */
  offered: boolean
  /** Micro-credits of a guest (GUEST_GRANT_CREDITS). */
  grant: bigint
  /** Guests that there may be at once (GUESTS_MOST). */
  most: number
  /** Days without use after which a guest is gone (GUEST_DAYS); 0: never. */
  days: number
  /** Runs in the transaction that takes a guest in. */
  onArrived: (userId: string, tx: Tx) => Promise<void>
  /** Runs in the transaction that makes the account one that stays; what it answers is called after the commit. */
  onKept: (user: KeptUser, invited: Invited | undefined, tx: Tx) => Promise<Afterwards>
}

/** What guests are called. */
const NAME = 'Guest'
/** Guests of one look, and looks of one sweep: each is an erasure that begins. */
const BATCH = 20
const BATCHES = 25

/** Accounts for whoever wants to look around: no address, no password, gone when nobody uses them, kept by adding an address. */
export class GuestService {
  readonly #deps: GuestDependencies

  constructor(dependencies: GuestDependencies) {
    this.#deps = dependencies
  }

  terms(): GuestTermsView {
    const { offered, grant, days } = this.#deps
    return { offered, credits: formatCredits(grant), days }
  }

  /** @throws AppError 403 `guest.off` */
  requireOffered(): void {
    if (!this.#deps.offered) throw new AppError('guest.off')
  }

  /** A guest, signed in: the session is the only way into the account. @throws AppError 403 `guest.off`; 429 `guest.too_many` */
  async arrive(): Promise<SignedInView> {
    const { users, transactions, audit, signIns, most, onArrived } = this.#deps
    this.requireOffered()
    const guest = await transactions.run(async (tx) => {
      const created = await users.createGuest(newId(), NAME, tx)
      await audit.record(
        { action: 'user.registered', actorId: null, targetId: created.id, details: { role: 'user', guest: true } },
        tx,
      )
      // One guest after the other, from here to the commit: all of those before are counted.
      await onArrived(created.id, tx)
      if ((await users.countGuests(most + 1, tx)) > most) throw tooManyGuests()
      return created
    })
    return signIns.begin(guest)
  }

  /**
   * Gives the account an address and a password. All stays as it is: the id, what was said, this session; other sessions end.
   * @throws AppError 409 `guest.kept`, `auth.email_taken`; 400 for a password that is guessed early, or a code that is not valid
   */
  async keep(actor: AuthUser, body: KeepBody): Promise<SignedInView> {
    const { users, transactions, audit, invitations, sessions, onKept } = this.#deps
    if (!actor.isGuest) throw new AppError('guest.kept')
    await refuseGuessable('password', body.password, body.email)
    const passwordHash = await hashPassword(body.password)
    const { user, ended, token, afterwards } = await transactions.run(async (tx) => {
      const locked = await users.lock(actor.id, tx)
      if (!locked) throw new AppError('auth.unauthorized/token')
      if (isKept(locked)) throw new AppError('guest.kept')
      const { email } = body
      const name = body.name ?? (locked.name === NAME ? nameIn(email) : locked.name)
      const user = await users.keep(actor.id, { email, emailKey: emailKeyOf(email), name, passwordHash }, tx)
      await audit.record({ action: 'guest.kept', actorId: user.id, targetId: user.id }, tx)
      const code = body.invitationCode
      const invited = code === undefined ? undefined : await invitations.use(code, user, tx)
      // What whoever else was given the guest's token could do with it is over, as with a new password.
      const ended = await sessions.endAll(user.id, actor.sessionId, tx)
      const token = await sessions.tokenOf(actor, tx)
      return { user, ended, token, afterwards: await onKept(user, invited, tx) }
    })
    afterwards()
    if (ended > 0) await sessions.announceEnded(user.id)
    return { user: presentUser(user), ...token }
  }

  /** Erases guests whom nobody has seen for long, so many at most; the rest waits for the next time. Answers how many. */
  async sweep(isStopped: () => boolean = () => false): Promise<number> {
    const { users, accounts, days } = this.#deps
    let gone = 0
    for (let batch = 0; batch < BATCHES && days > 0 && !isStopped(); batch++) {
      const disused = await users.disusedGuests(days, BATCH)
      await doEach(disused, async (id) => {
        if (await accounts.deleteDisused(id, days)) gone += 1
      })
      if (disused.length < BATCH) break
    }
    return gone
  }
}
