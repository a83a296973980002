import type { AuditLog } from './audit/audit-log.ts'
import { takesGuests } from './config/env.ts'
import type { SealedSecrets } from './connections/sealed-secret.ts'
import { AddressHashes } from './credits/address-hashes.ts'
import type { Balance } from './credits/ledger.repository.ts'
import type { LedgerService } from './credits/ledger.service.ts'
import { SignupGrantRepository } from './credits/signup-grant.repository.ts'
import { SignupGrants } from './credits/signup-grants.ts'
import { WelcomeCredits } from './credits/welcome-credits.ts'
import type { Transactions, Tx } from './database/transaction.ts'
import type { Foundation } from './foundation.ts'
import { ApiKeyRepository } from './identity/api-key.repository.ts'
import { ApiKeyService } from './identity/api-key.service.ts'
import { AuthService } from './identity/auth.service.ts'
import { EmailLinkRepository } from './identity/email-link.repository.ts'
import { EmailLinkService } from './identity/email-link.service.ts'
import { FailedLogins } from './identity/failed-logins.ts'
import { GuestService } from './identity/guest.service.ts'
import { InvitationRepository } from './identity/invitation.repository.ts'
import { InvitationService } from './identity/invitation.service.ts'
import { linkKeyOf } from './identity/link-token.ts'
import { SessionRepository } from './identity/session.repository.ts'
import { SessionService } from './identity/session.service.ts'
import { SignInService } from './identity/sign-in.service.ts'
import { SuspensionService } from './identity/suspension.service.ts'
import { TotpService } from './identity/totp.service.ts'
import { isKept, type KeptUser, type User } from './identity/user.entity.ts'
import { UserRepository } from './identity/user.repository.ts'
import { UserService } from './identity/user.service.ts'
import { MailRepository } from './mail/mail.repository.ts'
import { Outbox } from './mail/outbox.ts'

interface AccountDependencies {
  transactions: Transactions
  audit: AuditLog
  sealedSecrets: SealedSecrets
  ledger: LedgerService
  /** Told of a balance that grew. */
  onGranted: (userId: string, balance: Balance) => Promise<void>
  /** Ends all runs of a user in a transaction; answers what is to be done after its commit. */
  endRuns: (userId: string, tx: Tx) => Promise<() => Promise<void>>
  /** Makes a user nobody in a transaction; what it answers is called after its commit. */
  erase: (user: User, requestedBy: string, tx: Tx) => Promise<() => Promise<void>>
}

/** Users, how they come in, and what they are given at first: a part of the composition root. */
export function createAccounts(
  { env, logger, db, queue, feed, secrets }: Foundation,
  { transactions, audit, sealedSecrets, ledger, onGranted, endRuns, erase }: AccountDependencies,
) {
  const signupGrantRepository = new SignupGrantRepository(db)
  const signupGrants = new SignupGrants({
    grants: signupGrantRepository,
    hashes: new AddressHashes(signupGrantRepository, sealedSecrets),
    ledger,
    audit,
    transactions,
    budget: env.SIGNUP_GRANTS_PER_DAY,
    onGiven: onGranted,
    logger,
  })
  const welcome = new WelcomeCredits({
    ledger,
    grants: signupGrants,
    rule: env.SIGNUP_GRANT_FOR ?? (env.SMTP_URL ? 'verified' : env.NODE_ENV === 'production' ? 'invited' : 'everybody'),
    amount: env.SIGNUP_GRANT,
    guestAmount: env.GUEST_GRANT_CREDITS,
  })
  const invitationRepository = new InvitationRepository(db)
  const invitationService = new InvitationService({ invitations: invitationRepository, audit, transactions })
  const userRepository = new UserRepository(db)
  const sessionRepository = new SessionRepository(db)
  const { jwtSecret } = secrets
  const sessionService = new SessionService({
    users: userRepository,
    sessions: sessionRepository,
    transactions,
    audit,
    feed,
    jwtSecret,
  })
  const apiKeyRepository = new ApiKeyRepository(db)
  const apiKeyService = new ApiKeyService({ keys: apiKeyRepository, transactions, audit, feed, most: env.USER_KEYS })
  const totpService = new TotpService({ users: userRepository, transactions, audit, secrets: sealedSecrets })
  const failedLogins = new FailedLogins({ audit, logger })
  const signInService = new SignInService({
    users: userRepository,
    sessions: sessionRepository,
    transactions,
    audit,
    failures: failedLogins,
    totp: totpService,
    jwtSecret,
    sessionSeconds: env.JWT_EXPIRES_IN,
  })
  const mailRepository = new MailRepository(db)
  const outbox = new Outbox({ mails: mailRepository, queue, mostPerHour: env.MAILS_PER_HOUR, logger })
  const emailLinkRepository = new EmailLinkRepository(db)
  const emailLinkService = new EmailLinkService({
    users: userRepository,
    links: emailLinkRepository,
    outbox,
    sessions: sessionService,
    keys: apiKeyRepository,
    audit,
    transactions,
    key: linkKeyOf(jwtSecret),
    sendsMail: env.SMTP_URL !== undefined,
    publicUrl: env.PUBLIC_URL ?? '',
    verifyMs: env.VERIFY_LINK_MS,
    resetMs: env.RESET_LINK_MS,
    onVerified: async (user, tx) => welcome.onVerified(user, await invitationRepository.of(user.id, tx), tx),
  })
  const onAddressChanged = async (before: KeptUser, user: KeptUser, tx: Tx) => {
    await signupGrants.remember(before, tx)
    return emailLinkService.addressChanged(before, user, tx)
  }
  const authService = new AuthService({
    users: userRepository,
    sessions: sessionService,
    signIns: signInService,
    transactions,
    audit,
    invitations: invitationService,
    onRegistered: async (user, invited, tx) => {
      await welcome.onRegistered(user, invited, tx)
      return emailLinkService.askForProof(user, tx)
    },
    onAddressChanged,
  })
  const userService = new UserService({
    users: userRepository,
    transactions,
    audit,
    feed,
    onAddressChanged,
    onDeleting: async (user, requestedBy, tx) => {
      if (isKept(user)) await signupGrants.remember(user, tx)
      else await signupGrants.forgetGuest(user.id, tx)
      const forget = await endRuns(user.id, tx)
      const goOn = await erase(user, requestedBy, tx)
      return async () => {
        await forget()
        await goOn()
      }
    },
  })
  const guestService = new GuestService({
    users: userRepository,
    accounts: userService,
    sessions: sessionService,
    signIns: signInService,
    invitations: invitationService,
    transactions,
    audit,
    offered: takesGuests(env),
    grant: env.GUEST_GRANT_CREDITS,
    most: env.GUESTS_MOST,
    days: env.GUEST_DAYS,
    onArrived: (userId, tx) => welcome.onGuest(userId, tx),
    onKept: async (user, invited, tx) => {
      await welcome.onKept(user, invited, tx)
      return emailLinkService.askForProof(user, tx)
    },
  })
  const suspensionService = new SuspensionService({
    users: userRepository,
    sessions: sessionService,
    transactions,
    audit,
    onSuspending: endRuns,
  })

  return {
    authService,
    failedLogins,
    guestService,
    sessionService,
    apiKeyService,
    signInService,
    suspensionService,
    invitationService,
    signupGrants,
    totpService,
    emailLinkService,
    mailRepository,
    outbox,
    userService,
    userRepository,
  }
}
