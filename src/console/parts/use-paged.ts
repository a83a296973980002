import { type QueryKey, type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query'
import type { ListOf } from '../../client/client.ts'

interface Call {
  cursor: string | undefined
  signal: AbortSignal
}

/** Items of a list that is fetched a page at a time, and how to have more of them. */
export type Paged<Item> = Pick<
  UseInfiniteQueryResult<unknown>,
  'isPending' | 'error' | 'refetch' | 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'
> & { items: Item[] }

/** @example usePaged(['credits', 'lines'], ({ cursor, signal }) => client.credits.transactions({ cursor }, { signal })) */
export function usePaged<Item>(
  queryKey: QueryKey,
  fetch: (call: Call) => Promise<ListOf<Item>>,
  enabled = true,
): Paged<Item> {
  const { data, ...state } = useInfiniteQuery({
    queryKey,
    enabled,
    queryFn: ({ pageParam, signal }) => fetch({ cursor: pageParam, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  })
  return { ...state, items: data?.pages.flatMap((page) => page.data) ?? [] }
}
