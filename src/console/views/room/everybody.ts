import { useQuery } from '@tanstack/react-query'
import { collect } from '../../session/collect.ts'
import { useClient } from '../../session/session.ts'

/** All agents that one may talk with: one's own, and the platform's. */
export function useAllAgents() {
  const client = useClient()
  return useQuery({
    queryKey: ['agents', 'everybody'],
    queryFn: ({ signal }) => collect((cursor) => client.agents.list({ cursor, limit: 100 }, { signal })),
  })
}

export function useAllParties() {
  const client = useClient()
  return useQuery({
    queryKey: ['parties', 'all of them'],
    queryFn: ({ signal }) => collect((cursor) => client.parties.list({ cursor, limit: 100 }, { signal })),
  })
}
