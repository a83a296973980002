import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { ConversationView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { useFocusKept } from '../../parts/use-focus-kept.ts'
import { APPROVALS } from '../../session/use-waiting.ts'
import { useWords } from '../../words/use-words.ts'
import { ApprovalCard } from './approval-card.tsx'
import { askedAs, useApprovals } from './use-approvals.ts'
import { useKeptApprovals } from './use-kept-approvals.ts'
import { useRoom } from './use-room.ts'
import type words from './words/en.ts'

/** What agents of this conversation ask for before they use tools, in the order in which they asked; nothing where nobody asks. */
export function RoomApprovals({ conversation: { id, activeRun } }: { conversation: ConversationView }) {
  const t = useWords<typeof words>()
  const queries = useQueryClient()
  const asked = useRoom((state) => state.asked)
  const status = activeRun?.status ?? null
  const isOn = status !== null && status !== 'pending'
  const list = useApprovals(id, isOn)
  const { error, refetch } = list
  const { items, isGone, keep } = useKeptApprovals(isOn ? list.items : [])
  const section = useFocusKept<HTMLElement>(items.length)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each time that something was heard, what waits may be another.
  useEffect(() => {
    if (isOn) void queries.invalidateQueries({ queryKey: [...APPROVALS, 'list', id] })
  }, [asked, status, isOn, id, queries])
  if (items.length === 0 && !(isOn && error)) return null
  return (
    <section
      ref={section}
      tabIndex={-1}
      aria-label={t('tool.waiting')}
      className="mx-auto grid max-h-[55dvh] sm:max-h-[45dvh] w-full max-w-4xl gap-2 overflow-y-auto px-4 py-2 outline-none sm:px-8"
    >
      {items.length === 0 && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isOn && <LoadMore list={list} />}
      {items.toReversed().map((approval) => (
        <ApprovalCard
          key={askedAs(approval)}
          approval={approval}
          isGone={isGone(approval)}
          onKeep={(isKept) => keep(approval, isKept)}
        />
      ))}
    </section>
  )
}
