import type { ShareView } from '../contract/share-views.ts'
import type { TitledShare } from './share.repository.ts'

export const presentShare = (share: TitledShare, token: string): ShareView => ({
  id: share.id,
  conversationId: share.conversationId,
  title: share.title,
  token,
  path: `/s/${token}`,
  expiresAt: share.expiresAt?.toISOString() ?? null,
  createdAt: share.createdAt.toISOString(),
})
