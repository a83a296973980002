import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { UserView } from '../../client/client.ts'
import { useClient } from './session.ts'

/** The account that is signed in. */
export function useMe(): UseQueryResult<UserView> {
  const client = useClient()
  return useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => client.auth.me({ signal }),
    enabled: client.token !== undefined,
  })
}
