import type { EntitySchema } from 'typeorm'
import { agentEntity } from './agents/agent.entity.ts'
import { auditEntryEntity } from './audit/audit.entity.ts'
import { idempotencyKeyEntity } from './chat/idempotency-key.entity.ts'
import { messageBudgetEntity } from './chat/message-budget.entity.ts'
import { breakerEntity } from './connections/breaker.entity.ts'
import { connectionEntity } from './connections/connection.entity.ts'
import { keyCanaryEntity } from './connections/key-canary.entity.ts'
import { conversationEntity } from './conversations/conversation.entity.ts'
import { messageEntity } from './conversations/message.entity.ts'
import { messageWordsEntity } from './conversations/message-words.entity.ts'
import { summaryEntity } from './conversations/summary.entity.ts'
import { accountEntity, holdEntity, ledgerEntryEntity, meteredCallEntity } from './credits/ledger.entity.ts'
import { priceVersionEntity } from './credits/price.entity.ts'
import { serverKeyEntity, signupGrantEntity } from './credits/signup-grant.entity.ts'
import { doorThreadEntity } from './doors/door-thread.entity.ts'
import { erasureEntity, erasureFileEntity } from './erasure/erasure.entity.ts'
import { fleetProcessEntity } from './fleet/fleet-process.entity.ts'
import { installationEntity } from './fleet/installation.entity.ts'
import { galleryBudgetEntity } from './gallery/gallery-budget.entity.ts'
import { galleryEntryEntity } from './gallery/gallery-entry.entity.ts'
import { galleryImportEntity } from './gallery/gallery-import.entity.ts'
import { galleryRemovalEntity } from './gallery/gallery-removal.entity.ts'
import { apiKeyEntity, apiKeyMonthEntity } from './identity/api-key.entity.ts'
import { emailLinkEntity } from './identity/email-link.entity.ts'
import { invitationEntity, invitationUseEntity } from './identity/invitation.entity.ts'
import { sessionEntity } from './identity/session.entity.ts'
import { userEntity } from './identity/user.entity.ts'
import { mailEntity } from './mail/mail.entity.ts'
import { mcpGrantEntity } from './mcp/mcp-grant.entity.ts'
import { mcpServerEntity } from './mcp/mcp-server.entity.ts'
import { mcpToolEntity } from './mcp/mcp-tool.entity.ts'
import { partyEntity } from './parties/party.entity.ts'
import { removedStarterEntity } from './parties/removed-starter.entity.ts'
import { workerPlacesEntity } from './queue/worker-places.entity.ts'
import { runEntity } from './runs/run.entity.ts'
import { turnEntity } from './runs/turn.entity.ts'
import { scheduleEntity } from './schedules/schedule.entity.ts'
import { scheduleTickEntity } from './schedules/schedule-tick.entity.ts'
import { shareEntity } from './shares/share.entity.ts'
import { fileEntity } from './storage/file.entity.ts'
import { fileChunkEntity } from './storage/file-chunk.entity.ts'
import { fileVocabularyEntity } from './storage/file-vocabulary.entity.ts'
import { fileEffortEntity } from './storage/processing/file-effort.entity.ts'
import { uploadBudgetEntity } from './storage/upload/upload-budget.entity.ts'
import { toolCallEntity } from './tools/tool-call.entity.ts'
import { toolStepEntity } from './tools/tool-step.entity.ts'
import { webhookEntity } from './webhooks/webhook.entity.ts'
import { webhookDeliveryEntity } from './webhooks/webhook-delivery.entity.ts'

/** Every table of the product, for the data source. */
export const allEntities: EntitySchema[] = [
  auditEntryEntity,
  userEntity,
  sessionEntity,
  apiKeyEntity,
  apiKeyMonthEntity,
  mailEntity,
  emailLinkEntity,
  invitationEntity,
  invitationUseEntity,
  connectionEntity,
  keyCanaryEntity,
  breakerEntity,
  agentEntity,
  mcpServerEntity,
  mcpToolEntity,
  mcpGrantEntity,
  partyEntity,
  removedStarterEntity,
  accountEntity,
  ledgerEntryEntity,
  holdEntity,
  meteredCallEntity,
  priceVersionEntity,
  signupGrantEntity,
  serverKeyEntity,
  conversationEntity,
  messageEntity,
  messageWordsEntity,
  summaryEntity,
  shareEntity,
  runEntity,
  turnEntity,
  toolStepEntity,
  toolCallEntity,
  workerPlacesEntity,
  idempotencyKeyEntity,
  galleryEntryEntity,
  galleryImportEntity,
  galleryRemovalEntity,
  galleryBudgetEntity,
  doorThreadEntity,
  messageBudgetEntity,
  fileEntity,
  fileChunkEntity,
  fileVocabularyEntity,
  fileEffortEntity,
  uploadBudgetEntity,
  webhookEntity,
  webhookDeliveryEntity,
  scheduleEntity,
  scheduleTickEntity,
  erasureEntity,
  erasureFileEntity,
  installationEntity,
  fleetProcessEntity,
]
