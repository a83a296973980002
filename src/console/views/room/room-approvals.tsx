import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { ApprovalView, ChatspartyClient, ConversationView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { ApprovalCard } from './approval-card.tsx'
import { useRoom } from './use-room.ts'
import type words from './words/en.ts'

/** As many as the API answers at once. */
const PAGE = 20
/** Of all conversations so many pages are looked through for this one's. */
const MOST_PAGES = 25

async function approvalsOf(client: ChatspartyClient, id: string, signal: AbortSignal): Promise<ApprovalView[]> {
  const found: ApprovalView[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const { data, nextCursor } = await client.approvals.list({ cursor, limit: PAGE }, { signal })
    found.push(...data.filter(({ conversationId }) => conversationId === id))
    if (nextCursor === null) break
    cursor = nextCursor
  }
  return found.reverse()
}

/** What agents of this conversation ask for before they use tools; nothing where nobody asks. */
export function RoomApprovals({ conversation: { id, activeRun } }: { conversation: ConversationView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const asked = useRoom((state) => state.asked)
  const status = activeRun?.status ?? null
  const isOn = status !== null && status !== 'pending'
  const {
    data = [],
    error,
    refetch,
  } = useQuery({
    queryKey: ['approvals', id],
    queryFn: ({ signal }) => approvalsOf(client, id, signal),
    enabled: isOn,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: each time that something was heard, what waits may be another.
  useEffect(() => {
    if (isOn) void queries.invalidateQueries({ queryKey: ['approvals', id] })
  }, [asked, status, isOn, id, queries])
  if (!isOn || (data.length === 0 && !error)) return null
  return (
    <section
      aria-label={t('tool.waiting')}
      className="mx-auto grid max-h-[45dvh] w-full max-w-4xl gap-2 overflow-y-auto px-4 py-2 sm:px-8"
    >
      {data.length === 0 && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {data.map((approval) => (
        <ApprovalCard key={approval.id} approval={approval} />
      ))}
    </section>
  )
}
