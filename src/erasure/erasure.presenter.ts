import type { ErasureView } from '../contract/admin-views.ts'
import type { Erasure } from './erasure.entity.ts'

/** An erasure as administrators see it. */
export const presentErasure = (erasure: Erasure): ErasureView => ({
  id: erasure.id,
  userId: erasure.userId,
  requestedBy: erasure.requestedBy,
  phase: erasure.phase,
  error: erasure.error,
  failures: erasure.failures,
  dueAt: erasure.phase === 'done' ? null : erasure.dueAt.toISOString(),
  counts: erasure.counts,
  createdAt: erasure.createdAt.toISOString(),
  doneAt: erasure.doneAt?.toISOString() ?? null,
})
