import { useQuery } from '@tanstack/react-query'
import { everyItem } from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'

/** An account has at most some hundreds; more than these are not offered at once. */
const MOST = 500

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) {
    all.push(item)
    if (all.length >= MOST) break
  }
  return all
}

/** All agents that one may talk with: one's own, and the platform's. */
export function useAllAgents() {
  const client = useClient()
  return useQuery({
    queryKey: ['agents', 'everybody'],
    queryFn: ({ signal }) =>
      collect(everyItem((cursor) => client.agents.list({ limit: 100, ...(cursor && { cursor }) }, { signal }))),
  })
}

export function useAllParties() {
  const client = useClient()
  return useQuery({
    queryKey: ['parties', 'all of them'],
    queryFn: ({ signal }) =>
      collect(everyItem((cursor) => client.parties.list({ limit: 100, ...(cursor && { cursor }) }, { signal }))),
  })
}
