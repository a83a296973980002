import { createHash } from 'node:crypto'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { ClaimedMail } from '../mail/mail.repository.ts'
import type { Outbox } from '../mail/outbox.ts'
import type { Letter } from '../mail/smtp-transport.ts'
import { AppError } from '../shared/errors.ts'
import type { ApiKeyRepository } from './api-key.repository.ts'
import { emailKeyOf } from './email-key.ts'
import { changedLetter, resetLetter, verifyLetter } from './email-letters.ts'
import type { EmailLink, LinkPurpose } from './email-link.entity.ts'
import type { EmailLinkRepository } from './email-link.repository.ts'
import { refuseGuessable } from './guessable-password.ts'
import { readLink, signLink } from './link-token.ts'
import { hashPassword } from './password.ts'
import type { SessionService } from './session.service.ts'
import { isKept, type KeptUser, type User } from './user.entity.ts'
import type { UserRepository } from './user.repository.ts'

interface EmailLinkDependencies {
  users: UserRepository
  links: EmailLinkRepository
  outbox: Outbox
  sessions: Pick<SessionService, 'endAll' | 'announceEnded' | 'rememberPlace'>
  keys: Pick<ApiKeyRepository, 'revokeAll'>
  audit: Pick<AuditLog, 'record'>
  transactions: Transactions
  /** Signs links. */
  key: Buffer
  /** False without SMTP_URL: then no mail is written, and who asks for one is told. */
  sendsMail: boolean
  /** Where the pages are that links lead to. */
  publicUrl: string
  /** How long links work, in ms. */
  verifyMs: number
  resetMs: number
  /** Runs in the transaction in which an address is proved for the first time since it was set. */
  onVerified: (user: KeptUser, tx: Tx) => Promise<void>
}

/** What is done after the commit. */
export type Afterwards = () => void

const NOTHING: Afterwards = () => {}
const markOf = (user: User): string => createHash('sha256').update(user.passwordHash).digest('hex')
const invalidLink = () => new AppError('auth.invalid_link')

/** Proofs by mail: that an address is somebody's, and who may choose a new password. */
export class EmailLinkService {
  readonly #deps: EmailLinkDependencies

  constructor(dependencies: EmailLinkDependencies) {
    this.#deps = dependencies
  }

  /** In the transaction that gives a user an address. Too many mails within the hour, and none is written. */
  async askForProof(user: KeptUser, tx: Tx): Promise<Afterwards> {
    if (!this.#deps.sendsMail || user.emailVerifiedAt) return NOTHING
    const mailId = await this.#writeVerification(user, tx)
    return mailId ? this.#send(mailId) : NOTHING
  }

  /** In the transaction that changes an address: asks the new one for a proof, and tells the old one. */
  async addressChanged(before: KeptUser, user: KeptUser, tx: Tx): Promise<Afterwards> {
    const { sendsMail, outbox, verifyMs } = this.#deps
    if (!sendsMail) return NOTHING
    const asked = await this.askForProof(user, tx)
    const { email: address, emailKey: addressKey } = before
    const told = await outbox.write(
      { kind: 'email_changed', userId: user.id, address, addressKey, lifeMs: verifyMs },
      tx,
    )
    return () => {
      asked()
      if (told) this.#send(told)()
    }
  }

  /** @throws AppError 409 `mail.not_set_up`, `auth.email_verified`; 429 `mail.rate_limited` */
  async resend(actor: AuthUser): Promise<void> {
    const { users, transactions } = this.#deps
    this.requireMail()
    const mailId = await transactions.run(async (tx) => {
      const user = await users.lock(actor.id, tx)
      if (!user || !isKept(user)) throw new AppError('auth.unauthorized/token')
      if (user.emailVerifiedAt) throw new AppError('auth.email_verified')
      return this.#writeVerification(user, tx)
    })
    if (!mailId) throw new AppError('mail.rate_limited', { details: { retryAfterSeconds: 3_600 } })
    this.#send(mailId)()
  }

  /** @throws AppError 409 `mail.not_set_up` */
  requireMail(): void {
    if (!this.#deps.sendsMail) throw new AppError('mail.not_set_up')
  }

  /**
   * Somebody wants a new password. Whether there is an account of this address is looked at when the mail is sent, so that neither
   * the answer nor its time tells.
   */
  async forgot(email: string): Promise<void> {
    const { outbox, transactions, resetMs } = this.#deps
    this.requireMail()
    const addressKey = emailKeyOf(email)
    const mailId = await transactions.run((tx) =>
      outbox.write({ kind: 'reset_password', userId: null, address: email, addressKey, lifeMs: resetMs }, tx),
    )
    if (mailId) this.#send(mailId)()
  }

  /** Proves an address. @throws AppError 400 `auth.invalid_link` */
  async verify(token: string): Promise<{ email: string; emailVerified: true }> {
    const { links, users, audit, transactions } = this.#deps
    const link = await this.#liveLink('verify_email', token)
    return transactions.run(async (tx) => {
      const user = await users.lock(link.userId, tx)
      if (!user || !isKept(user) || user.emailKey !== link.emailKey || !(await links.use(link.id, tx)))
        throw invalidLink()
      await this.#markVerified(user, tx)
      await audit.record({ action: 'email.verified', actorId: user.id, targetId: user.id }, tx)
      return { email: user.email, emailVerified: true }
    })
  }

  /**
   * Sets a new password, and ends all sessions and API keys: who has lost a password does not know who found it, nor what was left behind
   * with it. @throws AppError 400 `auth.invalid_link`, or for a password that is guessed early
   */
  async reset(token: string, newPassword: string): Promise<void> {
    const { links, users, sessions, keys, audit, transactions } = this.#deps
    const link = await this.#liveLink('reset_password', token)
    const current = await users.find(link.userId)
    if (!current || !isKept(current) || !isFor(link, current)) throw invalidLink()
    await refuseGuessable('newPassword', newPassword, current.email)
    const passwordHash = await hashPassword(newPassword)
    await transactions.run(async (tx) => {
      const user = await users.lock(link.userId, tx)
      if (!user || !isFor(link, user) || !(await links.use(link.id, tx))) throw invalidLink()
      const changed = await users.update(user.id, { passwordHash }, tx)
      // Who opened the link reads the mailbox, which is what a verification shows.
      await this.#markVerified(changed, tx)
      const ended = await sessions.endAll(user.id, null, tx)
      const revoked = await keys.revokeAll(user.id, tx)
      await sessions.rememberPlace(user.id, tx)
      const record = { actorId: user.id, targetId: user.id, details: { sessions: ended, keys: revoked } }
      await audit.record({ action: 'password.reset', ...record }, tx)
    })
    await sessions.announceEnded(link.userId)
  }

  /** The words of a mail that is about to be sent; undefined when it is for nobody, or not any more. */
  async letterOf(mail: ClaimedMail): Promise<Letter | undefined> {
    const { links, users, key, publicUrl, verifyMs, resetMs } = this.#deps
    if (mail.kind === 'email_changed') return { to: mail.address, ...changedLetter() }
    if (mail.kind === 'verify_email') {
      const link = await links.findLive(mail.id, 'verify_email')
      const user = link && (await users.find(link.userId))
      if (!user || !isKept(user) || user.emailVerifiedAt || user.emailKey !== link.emailKey) return undefined
      return { to: user.email, ...verifyLetter(publicUrl, signLink(key, 'verify_email', mail.id), verifyMs) }
    }
    const user = await this.#linkReset(mail)
    if (!user) return undefined
    return { to: user.email, ...resetLetter(publicUrl, signLink(key, 'reset_password', mail.id), resetMs) }
  }

  /** The account that wants a new password, with its link; a mail that is tried again has it already. */
  async #linkReset({ id, address, expiresAt }: ClaimedMail): Promise<KeptUser | null> {
    const { links, users, audit, transactions } = this.#deps
    const user = await users.findByEmailKey(emailKeyOf(address))
    if (!user) return null
    await transactions.run(async (tx) => {
      const link = { id, userId: user.id, emailKey: user.emailKey, passwordMark: markOf(user), expiresAt }
      if (await links.create({ ...link, purpose: 'reset_password' }, tx)) {
        await audit.record({ action: 'password.reset_requested', actorId: null, targetId: user.id }, tx)
      }
    })
    return user
  }

  async #writeVerification(user: KeptUser, tx: Tx): Promise<string | undefined> {
    const { links, outbox, verifyMs: lifeMs } = this.#deps
    const { id: userId, email: address, emailKey } = user
    const mailId = await outbox.write({ kind: 'verify_email', userId, address, addressKey: emailKey, lifeMs }, tx)
    if (!mailId) return undefined
    const expiresAt = new Date(Date.now() + lifeMs)
    await links.create({ id: mailId, purpose: 'verify_email', userId, emailKey, passwordMark: null, expiresAt }, tx)
    return mailId
  }

  async #markVerified(user: User, tx: Tx): Promise<void> {
    if (user.emailVerifiedAt) return
    const verified = await this.#deps.users.update(user.id, { emailVerifiedAt: new Date() }, tx)
    if (isKept(verified)) await this.#deps.onVerified(verified, tx)
  }

  async #liveLink(purpose: LinkPurpose, token: string): Promise<EmailLink> {
    const id = readLink(this.#deps.key, purpose, token)
    const link = id && (await this.#deps.links.findLive(id, purpose))
    if (!link) throw invalidLink()
    return link
  }

  #send(mailId: string): Afterwards {
    return () => void this.#deps.outbox.enqueue(mailId)
  }
}

const isFor = (link: EmailLink, user: User): boolean =>
  link.emailKey === user.emailKey && link.passwordMark === markOf(user)
