import { type InfiniteData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import {
  ApiError,
  type GalleryEntryView,
  type GalleryQuery,
  type ListOf,
  type WholeGalleryEntryView,
} from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'

/** Everything of the gallery that was fetched begins so. */
export const GALLERY = ['gallery'] as const
const PAGE = 24
/** As many as one may have, by far. */
const OWN_ENTRIES = 100

/** Entries page by page, as they are asked for. */
export function useEntries(query: GalleryQuery) {
  const client = useClient()
  return useInfiniteQuery({
    queryKey: [...GALLERY, 'list', query],
    queryFn: ({ pageParam, signal }) => client.gallery.list({ ...query, limit: PAGE, cursor: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    // What was found stays while other words are looked for.
    placeholderData: (before) => before,
  })
}

/** Entries of all pages; one that moved from a page to the next between two requests is there once. */
export function entriesOf(data: InfiniteData<ListOf<GalleryEntryView>> | undefined): GalleryEntryView[] {
  const byId = new Map<string, GalleryEntryView>()
  for (const page of data?.pages ?? []) for (const entry of page.data) byId.set(entry.id, entry)
  return [...byId.values()]
}

export function useEntry(id: string) {
  const client = useClient()
  return useQuery<WholeGalleryEntryView>({
    queryKey: [...GALLERY, 'entry', id],
    queryFn: ({ signal }) => client.gallery.get(id, { signal }),
    // A new revision is read, and not slipped in under who reads it.
    refetchOnWindowFocus: false,
  })
}

/** What one has published oneself, removed entries too. */
export function useOwnEntries(enabled = true) {
  const client = useClient()
  return useQuery({
    queryKey: [...GALLERY, 'own'],
    queryFn: async ({ signal }) => (await client.gallery.list({ mine: true, limit: OWN_ENTRIES }, { signal })).data,
    enabled,
  })
}

/** True of what a server answers that has no gallery (GALLERY=off). */
export const isTurnedOff = (error: unknown): boolean => error instanceof ApiError && error.code === 'request.not_found'
