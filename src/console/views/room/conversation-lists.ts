import { type InfiniteData, type QueryClient, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import type { ConversationView, ListedConversationView, ListOf, UserEvent } from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'

export interface ListFilter {
  archived: boolean
  /** Words to look for. */
  q: string
}

/** Lists are patched by events, not fetched anew at each word that is said: their key is none of the shell's. */
const KEY = 'conversation-lists'
const PAGE = 30

type Pages = InfiniteData<ListOf<ListedConversationView>, string | undefined>

/** The conversations of a list as far as they were read, live. */
export function useConversations(filter: ListFilter) {
  const client = useClient()
  const { archived, q } = filter
  const query = useInfiniteQuery({
    queryKey: [KEY, archived, q],
    queryFn: ({ pageParam, signal }) =>
      client.conversations.list(
        { archived, limit: q === '' ? PAGE : 20, ...(q !== '' && { q }), ...(pageParam && { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    // While one types, what was found before stays.
    placeholderData: (before) => before,
  })
  const all = useMemo(() => inOrder(query.data?.pages ?? [], q !== ''), [query.data, q])
  return { ...query, all }
}

/** Keeps all lists as events tell; once, where lists are shown. */
export function useListEvents(): void {
  const client = useClient()
  const queries = useQueryClient()
  useEffect(() => client.onUserEvent((event) => tell(queries, event)), [client, queries])
}

function tell(queries: QueryClient, event: UserEvent): void {
  if (event.type === 'conversation.created' || event.type === 'conversation.updated') {
    showInLists(queries, event.conversation)
  } else if (event.type === 'conversation.deleted') hideInLists(queries, event.conversationId)
  else if (event.type === 'conversation.read') {
    const { conversationId: id, readSeq, unread } = event
    changeLists(queries, (list) => list.map((one) => (one.id === id ? { ...one, readSeq, unread } : one)))
  }
}

/** A conversation as it is now, in the lists that it belongs to. */
export function showInLists(queries: QueryClient, conversation: ConversationView): void {
  changeLists(queries, (list, { archived, q }, isFirst) => {
    const known = list.find(({ id }) => id === conversation.id)
    if (known && known.version > conversation.version) return list
    const others = list.filter(({ id }) => id !== conversation.id)
    if (conversation.archived !== archived) return others
    // What is found by words stays found, and nothing else is added to it.
    if (q !== '') return list.map((one) => (one === known ? { ...one, ...conversation } : one))
    return isFirst ? [{ ...known, ...conversation }, ...others] : others
  })
}

export function hideInLists(queries: QueryClient, conversationId: string): void {
  changeLists(queries, (list) => list.filter(({ id }) => id !== conversationId))
}

type Change = (list: ListedConversationView[], filter: ListFilter, isFirst: boolean) => ListedConversationView[]

function changeLists(queries: QueryClient, change: Change): void {
  for (const [key, data] of queries.getQueriesData<Pages>({ queryKey: [KEY] })) {
    const [, archived, q] = key
    if (!data || typeof archived !== 'boolean' || typeof q !== 'string') continue
    const pages = data.pages.map((page, at) => ({ ...page, data: change(page.data, { archived, q }, at === 0) }))
    queries.setQueryData<Pages>(key, { ...data, pages })
  }
}

/** Each once; pinned ones first, then those last spoken in. What was found is in the server's order. */
function inOrder(pages: readonly ListOf<ListedConversationView>[], isFound: boolean): ListedConversationView[] {
  const byId = new Map<string, ListedConversationView>()
  for (const one of pages.flatMap(({ data }) => data)) if (!byId.has(one.id)) byId.set(one.id, one)
  const all = [...byId.values()]
  if (isFound) return all
  const rank = (one: ListedConversationView) => `${one.pinned ? 1 : 0}${one.activeAt ?? one.updatedAt}`
  return all.sort((a, b) => (rank(a) < rank(b) ? 1 : rank(a) > rank(b) ? -1 : 0))
}
