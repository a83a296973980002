import type { Tx } from '../database/transaction.ts'
import { catalog } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import { newId } from '../shared/ids.ts'
import type { Logger } from '../shared/logger.ts'
import type { MailRepository, NewMail } from './mail.repository.ts'

/** Mails that one round of the reconciler puts back at most. */
const ROUND = 100

/**
 * Mails are written in the transaction that they tell of, and sent by a job afterwards: nobody waits for a mail server, and no
 * mail is lost with the queue.
 */
export class Outbox {
  readonly #mails: MailRepository
  readonly #queue: JobQueue
  readonly #mostPerHour: number
  readonly #logger: Logger

  constructor(dependencies: { mails: MailRepository; queue: JobQueue; mostPerHour: number; logger: Logger }) {
    this.#mails = dependencies.mails
    this.#queue = dependencies.queue
    this.#mostPerHour = dependencies.mostPerHour
    this.#logger = dependencies.logger
  }

  /** Answers the mail's id; undefined when this address, or this user, has been written to often enough within the hour. */
  async write(mail: Omit<NewMail, 'id'>, tx: Tx): Promise<string | undefined> {
    const id = newId()
    return (await this.#mails.add({ ...mail, id }, this.#mostPerHour, tx)) ? id : undefined
  }

  /** After the commit. Never rejects. */
  async enqueue(mailId: string): Promise<void> {
    try {
      await this.#queue.enqueue(catalog.mailSend, { mailId }, { jobId: `mail-${mailId}` })
    } catch (error) {
      this.#logger.warn({ err: error, mailId }, 'a mail waits for the reconciler')
    }
  }

  /** Puts back what the queue forgot and what is to be tried again, and ends what is too late: a step of the reconciler. */
  async reconcile(): Promise<void> {
    await this.#mails.expire()
    for (const id of await this.#mails.due(ROUND)) await this.enqueue(id)
  }
}
