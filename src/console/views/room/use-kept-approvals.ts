import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ApprovalView, RunToolCallView } from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'
import { askedAs } from './use-approvals.ts'
import { runToolCalls } from './use-deeds.ts'

interface KeptApprovals {
  /** What waits and what is kept, newest first. */
  items: ApprovalView[]
  /** True of one that is only kept. */
  isGone(approval: ApprovalView): boolean
  keep(approval: ApprovalView, isKept: boolean): void
}

/** What waits, with what somebody writes other arguments for: what was written is not taken away by a decision elsewhere. */
export function useKeptApprovals(waiting: readonly ApprovalView[]): KeptApprovals {
  const [kept, setKept] = useState<readonly ApprovalView[]>([])
  const names = new Set(waiting.map(askedAs))
  const isGone = (approval: ApprovalView) => !names.has(askedAs(approval))
  return {
    items: [...waiting, ...kept.filter(isGone)].sort((a, b) => (a.id < b.id ? 1 : -1)),
    isGone,
    keep: (approval, isKept) =>
      setKept((before) => [
        ...before.filter((one) => askedAs(one) !== askedAs(approval)),
        ...(isKept ? [approval] : []),
      ]),
  }
}

/**
 * What became of a call that waits no more, as far as that is to be had; undefined while it is not known, and of one that waits after all: it may
 * have been moved to a page that is not loaded.
 */
export function useOver(
  { id, runId }: ApprovalView,
  isGone: boolean,
): { call: RunToolCallView | undefined } | undefined {
  const client = useClient()
  const { data, isFetched } = useQuery({
    queryKey: ['toolCalls', runId, id],
    queryFn: async (context) => {
      const calls = await runToolCalls(client, runId).queryFn(context)
      return calls.find((call) => call.id === id) ?? null
    },
    enabled: isGone,
  })
  if (!isGone || !isFetched || data?.status === 'awaiting') return undefined
  return { call: data ?? undefined }
}
