import { Webhook as Signer } from 'standardwebhooks'
import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { SealedSecrets } from '../../src/connections/sealed-secret.ts'
import type { Transactions } from '../../src/database/transaction.ts'
import { messageOf } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import type { Logger } from '../../src/shared/logger.ts'
import type { WebhookRepository } from '../../src/webhooks/webhook.repository.ts'
import { SECRET_FIELD } from '../../src/webhooks/webhook.service.ts'
import type {
  ClaimedDelivery,
  Tried,
  WebhookDeliveryRepository,
} from '../../src/webhooks/webhook-delivery.repository.ts'

interface WebhookProcessorDependencies {
  webhookRepository: WebhookRepository
  webhookDeliveries: WebhookDeliveryRepository
  /** What is sent of an event. */
  webhookPayload: (delivery: ClaimedDelivery) => Promise<string>
  sealedSecrets: SealedSecrets
  network: Pick<ProviderNetwork, 'fetchFor'>
  transactions: Transactions
  timeoutMs: number
  backoffMs: number
  logger: Logger
}

/** What a try came to, and how long the receiver wants to be left alone. */
type Answered = Tried & { isOk: boolean; retryAfterMs: number }

/** Waits between tries, in proportion to the first: three days in all, as Standard Webhooks recommends. */
const WAITS = [1, 60, 360, 1_440, 3_600, 7_200, 10_080, 14_400, 17_280]
/** A webhook whose delivery failed for good, and that took nothing for so many days, is turned off. */
const QUIET_DAYS = 5
/** What a lease needs beyond the receiver's time: two statements. */
const LEASE_MARGIN_MS = 10_000
/** Says itself that it is no longer there. */
const GONE = 410

/**
 * Sends events to users' receivers, at least once, each in every try under the same id and with the same body. A process that dies
 * between the receiver's answer and its being written down has the event sent again.
 */
export class WebhookProcessor {
  readonly #deps: WebhookProcessorDependencies

  constructor(dependencies: WebhookProcessorDependencies) {
    this.#deps = dependencies
  }

  /** The handler of `webhooks.deliver`. */
  async handle({ deliveryId }: { deliveryId: string }, { signal }: { signal: AbortSignal }): Promise<void> {
    const { webhookDeliveries, timeoutMs } = this.#deps
    const delivery = await webhookDeliveries.claim(deliveryId, newId(), timeoutMs + LEASE_MARGIN_MS)
    if (!delivery) return
    const tried = await this.#try(delivery, signal)
    if (tried.isOk) await this.#succeed(delivery, tried)
    else if (signal.aborted) await webhookDeliveries.postpone(delivery, tried, 0, true)
    else await this.#fail(delivery, tried)
  }

  /** A delivery whose words cannot be made has its tries like any other: it must not come back for ever. */
  async #try(delivery: ClaimedDelivery, signal: AbortSignal): Promise<Answered> {
    const { webhookDeliveries, webhookPayload, logger } = this.#deps
    let body = delivery.payload
    try {
      if (body === null) {
        body = await webhookPayload(delivery)
        await webhookDeliveries.write(delivery, body)
      }
    } catch (error) {
      logger.error({ err: error, deliveryId: delivery.id }, 'what is to be delivered could not be made')
      return { isOk: false, status: null, error: 'What is to be told could not be read.', retryAfterMs: 0 }
    }
    return this.#send(delivery, body, signal)
  }

  async #send(
    { id, url, webhookId, secretSealed, previousSealed }: ClaimedDelivery,
    body: string,
    signal: AbortSignal,
  ): Promise<Answered> {
    const { network, sealedSecrets, timeoutMs } = this.#deps
    const now = new Date()
    try {
      const signatures = [secretSealed, previousSealed].flatMap((sealed) =>
        sealed === null
          ? []
          : new Signer(sealedSecrets.open(sealed, { id: webhookId, field: SECRET_FIELD })).sign(id, now, body),
      )
      const response = await network.fetchFor({ scope: 'user' })(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Chatsparty-Webhooks',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
          'webhook-signature': signatures.join(' '),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      // Its words are nobody's business.
      await response.body?.cancel().catch(() => {})
      const isOk = response.status >= 200 && response.status < 300
      const error = isOk ? null : `The receiver answered ${response.status}.`
      return { isOk, status: response.status, error, retryAfterMs: retryAfterOf(response) }
    } catch (error) {
      return { isOk: false, status: null, error: wordsOf(error), retryAfterMs: 0 }
    }
  }

  async #succeed(delivery: ClaimedDelivery, tried: Tried): Promise<void> {
    const { webhookDeliveries, webhookRepository, transactions } = this.#deps
    await transactions.run(async (tx) => {
      if (await webhookDeliveries.end(delivery, 'delivered', tried, tx)) {
        await webhookRepository.succeeded(delivery.webhookId, tx)
      }
    })
  }

  async #fail(delivery: ClaimedDelivery, tried: Tried & { retryAfterMs: number }): Promise<void> {
    const { webhookDeliveries, webhookRepository, transactions, backoffMs, logger } = this.#deps
    const { id, webhookId, attempt } = delivery
    const wait = WAITS[attempt - 1]
    if (tried.status !== GONE && wait !== undefined) {
      const jittered = backoffMs * wait * (1 + Math.random() / 10)
      await webhookDeliveries.postpone(delivery, tried, Math.max(jittered, tried.retryAfterMs))
      return
    }
    logger.info({ deliveryId: id, webhookId, status: tried.status, attempt }, 'a webhook delivery was given up')
    await transactions.run(async (tx) => {
      if (!(await webhookDeliveries.end(delivery, 'failed', tried, tx))) return
      if (tried.status === GONE) await webhookRepository.disable(webhookId, 'gone', 0, tx)
      else await webhookRepository.disable(webhookId, 'failing', QUIET_DAYS, tx)
    })
  }
}

/** The longest wait that a receiver may ask for. */
const RETRY_AFTER_MAX_MS = 3_600_000

const retryAfterOf = ({ headers }: Response): number => {
  const seconds = Number(headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, RETRY_AFTER_MAX_MS) : 0
}

/** Why nobody answered, without what concerns our network. */
function wordsOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'The receiver did not answer in time.'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return `The receiver could not be reached: ${messageOf(cause).slice(0, 200)}`
}
