import type { SessionView } from '../contract/account-views.ts'
import type { Session } from './session.entity.ts'

/** A session as its owner sees it. */
export const presentSession = (session: Session, currentId: string): SessionView => ({
  id: session.id,
  createdAt: session.createdAt.toISOString(),
  lastUsedAt: session.lastUsedAt.toISOString(),
  expiresAt: session.expiresAt.toISOString(),
  network: session.network,
  userAgent: session.userAgent,
  current: session.id === currentId,
})
