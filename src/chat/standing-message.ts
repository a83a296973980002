import type { Conversation } from '../conversations/conversation.entity.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { Message } from '../conversations/message.entity.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { Tx } from '../database/transaction.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import { AppError, notFound } from '../shared/errors.ts'

interface StandingDependencies {
  runs: Pick<RunRepository, 'findActive'>
  conversations: Pick<ConversationRepository, 'lock'>
  messages: Pick<MessageRepository, 'find'>
}

/** What is said anew waits for nobody. @throws AppError 409 `chat.busy` while agents talk */
export async function requireQuiet(runs: StandingDependencies['runs'], conversationId: string, tx: Tx): Promise<void> {
  const active = await runs.findActive(conversationId, tx)
  if (active) throw new AppError('chat.busy/regenerate', { details: { runId: active.id } })
}

/** A message of this user as it stands, in its conversation, which is locked and quiet. @throws AppError 404; 409 `chat.busy` */
export async function lockMessage(
  userId: string,
  messageId: string,
  { runs, conversations, messages }: StandingDependencies,
  tx: Tx,
): Promise<{ conversation: Conversation; message: Message }> {
  const known = await messages.find(messageId, tx)
  const conversation = known && (await conversations.lock(known.conversationId, tx))
  // Read again under the lock: somebody may have had it said anew a moment ago.
  const message = conversation?.userId === userId ? await messages.find(messageId, tx) : null
  if (!conversation || !message) throw notFound('message')
  await requireQuiet(runs, conversation.id, tx)
  return { conversation, message }
}
