import { useQuery } from '@tanstack/react-query'
import type { ConnectionView } from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'

/** One's own connections and the platform's; more than a page of them is nobody's choice to make in a list. */
export function useConnections() {
  const client = useClient()
  return useQuery({
    queryKey: ['connections', 'choice'],
    queryFn: ({ signal }) => client.connections.list({ limit: 100 }, { signal }),
  })
}

/** By which an agent speaks that names none: one's own default, else the platform's. */
export const defaultOf = (connections: readonly ConnectionView[]): ConnectionView | undefined =>
  connections.find(({ isDefault, scope }) => isDefault && scope === 'user') ??
  connections.find(({ isDefault, scope }) => isDefault && scope === 'platform')

/** Models that a connection's provider lists. Guests are not told. */
export function useModels(connectionId: string | undefined) {
  const client = useClient()
  const { data: me } = useMe()
  return useQuery({
    queryKey: ['connections', 'models', connectionId],
    queryFn: ({ signal }) => client.connections.models(connectionId ?? '', {}, { signal }),
    enabled: connectionId !== undefined && me?.guest === false,
    staleTime: 300_000,
    // A provider that does not answer is no reason to keep a form waiting.
    retry: false,
  })
}
