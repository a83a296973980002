import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { FileView } from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'
import { useRoom, useRoomStore } from './use-room.ts'

/** The latest files of the conversation. `file.updated` makes everything below `files` stale. */
export function useRoomFiles(): readonly FileView[] {
  const client = useClient()
  const { id } = useRoomStore()
  // Another message that brings files makes another list.
  const seq = useRoom(({ filesSeq }) => filesSeq)
  const { data } = useQuery<readonly FileView[]>({
    queryKey: ['files', 'of', id, seq],
    queryFn: ({ signal }) => client.conversations.get(id, { limit: 1 }, { signal }).then(({ files }) => files),
    placeholderData: keepPreviousData,
  })
  return data ?? NONE
}

/** One file; null where it was deleted, undefined until it is known. */
export function useFile(id: string): FileView | null | undefined {
  const client = useClient()
  const known = useRoomFiles().find((file) => file.id === id)
  const { data, isError } = useQuery({
    queryKey: ['files', 'one', id],
    queryFn: ({ signal }) => client.files.get(id, { signal }),
    enabled: known === undefined,
  })
  return known ?? data ?? (isError ? null : undefined)
}

const NONE: readonly FileView[] = []
