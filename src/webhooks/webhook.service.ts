import { randomBytes } from 'node:crypto'
import type { ProviderNetwork } from '../connections/provider-network.ts'
import type { SealedSecrets } from '../connections/sealed-secret.ts'
import type { CreateWebhookBody, UpdateWebhookBody } from '../contract/webhook.schemas.ts'
import type { DeliveryStatus } from '../contract/webhook-events.ts'
import type { Transactions } from '../database/transaction.ts'
import { notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { Webhook } from './webhook.entity.ts'
import type { WebhookRepository } from './webhook.repository.ts'
import type { WebhookDelivery } from './webhook-delivery.entity.ts'
import type { WebhookDeliveryRepository } from './webhook-delivery.repository.ts'

interface WebhookDependencies {
  webhooks: WebhookRepository
  deliveries: WebhookDeliveryRepository
  secrets: SealedSecrets
  network: Pick<ProviderNetwork, 'assertTarget'>
  transactions: Transactions
  /** Webhooks that one user may have (USER_WEBHOOKS). */
  most: number
}

/** Where a webhook's secrets are sealed for. */
export const SECRET_FIELD = 'secret'
const SECRET_BYTES = 32
/** A secret that was changed signs too for this long. */
const OVERLAP_MS = 86_400_000

const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`

/** Webhooks of users: addresses of theirs that are told of events, signed as Standard Webhooks says. */
export class WebhookService {
  readonly #deps: WebhookDependencies

  constructor(dependencies: WebhookDependencies) {
    this.#deps = dependencies
  }

  /**
   * Answers the secret too, which is shown only now.
   * @throws AppError 400 on `url`; 409 `webhook.too_many`
   */
  async create(userId: string, body: CreateWebhookBody): Promise<{ webhook: Webhook; secret: string }> {
    const { webhooks, secrets, network, transactions, most } = this.#deps
    network.assertTarget('user', body.url, 'url')
    const id = newId()
    const secret = newSecret()
    const secretSealed = secrets.seal(secret, { id, field: SECRET_FIELD })
    const webhook = await transactions.run(async (tx) => {
      if ((await webhooks.lockCount(userId, tx)) >= most) throw tooMany('webhook', most)
      return webhooks.create({ id, userId, ...body, secretSealed }, tx)
    })
    return { webhook, secret }
  }

  list(userId: string, limit: number, before: string | undefined): Promise<Webhook[]> {
    return this.#deps.webhooks.list(userId, limit, before)
  }

  /** @throws AppError 404 */
  async get(userId: string, id: string): Promise<Webhook> {
    return found(await this.#deps.webhooks.findOwned(userId, id))
  }

  /** Turning one on again begins anew: what it missed meanwhile can be delivered again one by one. @throws AppError 400, 404 */
  update(
    userId: string,
    id: string,
    { enabled, ...change }: UpdateWebhookBody,
    check: (current: Webhook) => void = () => {},
  ): Promise<Webhook> {
    const { webhooks, network, transactions } = this.#deps
    if (change.url !== undefined) network.assertTarget('user', change.url, 'url')
    const isOn = enabled === undefined ? {} : { enabled, disabledReason: enabled ? null : ('owner' as const) }
    return transactions.run(async (tx) => {
      const current = found(await webhooks.lockOwned(userId, id, tx))
      check(current)
      // Whoever turned it off first is who did.
      const next = enabled === false && !current.enabled ? {} : isOn
      return found(await webhooks.update(userId, id, { ...change, ...next }, tx))
    })
  }

  /** A new secret, shown only now; the one before signs too for a day. @throws AppError 404 */
  async changeSecret(userId: string, id: string): Promise<{ webhook: Webhook; secret: string }> {
    const { webhooks, secrets, transactions } = this.#deps
    const secret = newSecret()
    const webhook = await transactions.run(async (tx) => {
      const current = found(await webhooks.findOwned(userId, id, tx))
      const change = {
        secretSealed: secrets.seal(secret, { id, field: SECRET_FIELD }),
        previousSealed: current.secretSealed,
        previousUntil: new Date(Date.now() + OVERLAP_MS),
      }
      return found(await webhooks.update(userId, id, change, tx))
    })
    return { webhook, secret }
  }

  /** @throws AppError 404 */
  async delete(userId: string, id: string): Promise<void> {
    // A delivery that ends at this moment locks the same rows the other way round.
    const { webhooks, transactions } = this.#deps
    if (!(await transactions.run((tx) => webhooks.delete(userId, id, tx)))) throw notFound('webhook')
  }

  /** @throws AppError 404 */
  async deliveries(
    userId: string,
    id: string,
    filter: { status?: DeliveryStatus },
    limit: number,
    before: string | undefined,
  ): Promise<WebhookDelivery[]> {
    await this.get(userId, id)
    return this.#deps.deliveries.list(id, filter, limit, before)
  }

  /** Delivers once more, under the same id. @throws AppError 404 */
  async redeliver(userId: string, id: string, deliveryId: string): Promise<WebhookDelivery> {
    await this.get(userId, id)
    const delivery = await this.#deps.deliveries.restart(id, deliveryId)
    if (!delivery) throw notFound('delivery')
    return delivery
  }
}

function found(webhook: Webhook | null): Webhook {
  if (!webhook) throw notFound('webhook')
  return webhook
}
