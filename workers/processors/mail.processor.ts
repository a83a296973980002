import type { EmailLinkService } from '../../src/identity/email-link.service.ts'
import type { MailRepository } from '../../src/mail/mail.repository.ts'
import { isRefusedForGood } from '../../src/mail/smtp-refusal.ts'
import type { SmtpTransport } from '../../src/mail/smtp-transport.ts'
import { messageOf } from '../../src/shared/errors.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { backoffMs } from '../backoff.ts'

interface MailDependencies {
  mails: MailRepository
  emailLinks: Pick<EmailLinkService, 'letterOf'>
  /** Undefined without SMTP_URL: what was written before waits, and fails when it is too late. */
  smtp: Pick<SmtpTransport, 'send'> | undefined
  /** The first wait after a failure, in ms; it doubles. */
  backoffMs: number
  logger: Logger
}

/** Longer than any try takes, with all its timeouts. */
const LEASE_MS = 120_000
const MAX_BACKOFF_MS = 3_600_000
/** Of what a mail server says, this much is kept. */
const ERROR_CHARS = 500

/**
 * Sends one mail. A process that dies after the server took it and before that is written down sends it twice, with the same link
 * and Message-ID; none is lost. It is tried until it is of no use any more.
 */
export class MailProcessor {
  readonly #deps: MailDependencies

  constructor(dependencies: MailDependencies) {
    this.#deps = dependencies
  }

  /** The handler of `mails.send`. */
  async handle({ mailId }: { mailId: string }): Promise<void> {
    const { mails, emailLinks, smtp, logger } = this.#deps
    const mail = await mails.claim(mailId, LEASE_MS)
    if (!mail) return
    try {
      if (!smtp) throw new Error('no SMTP_URL is set')
      const letter = await emailLinks.letterOf(mail)
      if (!letter) return await mails.end(mail, 'dropped', null)
      await smtp.send(mail.id, letter)
      await mails.end(mail, 'sent', null)
    } catch (error) {
      const reason = messageOf(error).slice(0, ERROR_CHARS).replaceAll('\0', '').toWellFormed()
      logger.warn({ mailId, kind: mail.kind, attempt: mail.attempts, reason }, 'a mail was not sent')
      if (isRefusedForGood(error)) return mails.end(mail, 'failed', reason)
      const wait = backoffMs(mail.attempts - 1, { baseMs: this.#deps.backoffMs, maxMs: MAX_BACKOFF_MS })
      await mails.defer(mail, wait, reason)
    }
  }
}
