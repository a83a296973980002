import { type QueryClient, useQuery } from '@tanstack/react-query'
import type { UserEvent, WaitingView } from '../../client/client.ts'
import { useFormats } from '../words/formats.ts'
import { useClient } from './session.ts'

/** The first part of the keys of all that is known of approvals. */
export const APPROVALS = ['approvals'] as const
const COUNT = [...APPROVALS, 'count'] as const

/** As many are counted. */
const MOST = 99

export interface Waiting {
  count: number
  /** As it is shown: `99+` of more. Empty for none. */
  shown: string
}

/** How many calls of tools wait for the user's decision. */
export function useWaiting(): Waiting {
  const client = useClient()
  const formats = useFormats()
  const { data } = useQuery({
    queryKey: COUNT,
    queryFn: ({ signal }) => client.approvals.count({ signal }),
    enabled: client.token !== undefined,
  })
  const count = data?.waiting ?? 0
  const shown = count === 0 ? '' : count > MOST ? `${formats.number(MOST)}+` : formats.number(count)
  return { count, shown }
}

/** What an event says of what waits: how much, or that a run is over, or a conversation gone, in which something may have waited. */
export function hearOfWaiting(queries: QueryClient, event: UserEvent): void {
  if (event.type === 'approvals.updated') {
    queries.setQueryData<WaitingView>(COUNT, { waiting: event.waiting })
    void queries.invalidateQueries({ queryKey: [...APPROVALS, 'list'] })
  } else if (event.type === 'conversation.updated' || event.type === 'conversation.deleted') {
    if (queries.getQueryData<WaitingView>(COUNT)?.waiting) void queries.invalidateQueries({ queryKey: APPROVALS })
  }
}
