import type { ApprovalView } from '../../../client/client.ts'
import { type Paged, usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { APPROVALS } from '../../session/use-waiting.ts'

/** As many as the API answers at once. */
const PAGE = 20

/** What waits for the user's word, newest first: all of it, or that of one conversation. Made stale by events (`hearOfWaiting`). */
export function useApprovals(conversationId?: string, isOn = true): Paged<ApprovalView> {
  const client = useClient()
  return usePaged<ApprovalView>(
    [...APPROVALS, 'list', conversationId ?? ''],
    ({ cursor, signal }) => client.approvals.list({ cursor, limit: PAGE, conversationId }, { signal }),
    isOn,
  )
}

/** A call whose end nobody knows is asked about again, under the same id: what was pressed of the first time is not of the second. */
export const askedAs = ({ id, expiresAt }: ApprovalView): string => `${id} ${expiresAt}`
