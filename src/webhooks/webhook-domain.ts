import type { Env } from '../config/env.ts'
import type { ProviderNetwork } from '../connections/provider-network.ts'
import type { SealedSecrets } from '../connections/sealed-secret.ts'
import type { StatementRepository } from '../credits/statement.repository.ts'
import type { Transactions } from '../database/transaction.ts'
import type { RunViews } from '../runs/run-views.ts'
import type { FileService } from '../storage/file.service.ts'
import type { ToolCallRepository } from '../tools/tool-call.repository.ts'
import { WebhookRepository } from './webhook.repository.ts'
import { WebhookService } from './webhook.service.ts'
import { type ClaimedDelivery, WebhookDeliveryRepository } from './webhook-delivery.repository.ts'
import { payloadOf } from './webhook-payload.ts'

interface WebhookDomainDependencies {
  secrets: SealedSecrets
  network: Pick<ProviderNetwork, 'assertTarget'>
  transactions: Transactions
  runViews: Pick<RunViews, 'run'>
  files: Pick<FileService, 'get'>
  statements: Pick<StatementRepository, 'find'>
  toolCalls: Pick<ToolCallRepository, 'findOwned'>
}

/** Everything of webhooks, for the composition root. */
export function createWebhookDomain(
  { db, env }: { db: ConstructorParameters<typeof WebhookRepository>[0]; env: Pick<Env, 'USER_WEBHOOKS'> },
  { runViews, files, statements, toolCalls, ...rest }: WebhookDomainDependencies,
) {
  const webhookRepository = new WebhookRepository(db)
  const webhookDeliveries = new WebhookDeliveryRepository(db)
  return {
    webhookRepository,
    webhookDeliveries,
    webhookService: new WebhookService({
      ...rest,
      webhooks: webhookRepository,
      deliveries: webhookDeliveries,
      most: env.USER_WEBHOOKS,
    }),
    webhookPayload: (delivery: ClaimedDelivery) => payloadOf(delivery, { runViews, files, statements, toolCalls }),
  }
}
