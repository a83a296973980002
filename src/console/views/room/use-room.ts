import { createContext, useContext, useSyncExternalStore } from 'react'
import type { SpeakerView } from '../../../client/client.ts'
import type { RoomState, RoomStore } from './room-store.ts'

export const RoomContext = createContext<RoomStore | null>(null)

/** The room that is shown. */
export function useRoomStore(): RoomStore {
  const store = useContext(RoomContext)
  if (!store) throw new Error('There is a room within RoomContext only.')
  return store
}

/** A part of the room's state; whoever uses it is drawn again when that part is another one, so it must not be made anew each time. */
export function useRoom<T>(select: (state: RoomState) => T): T {
  const store = useRoomStore()
  return useSyncExternalStore(store.subscribe, () => select(store.read()))
}

/** How somebody in the room is shown: by the conversation, or by what was heard of them, where they are gone. */
export function useSpeaker(agentId: string | null, name?: string | null): SpeakerView {
  const known = useRoom(({ conversation }) => conversation?.speakers?.find(({ id }) => id === agentId))
  const heard = useRoom(({ names }) => names.get(agentId ?? ''))
  return known ?? { id: agentId ?? '', name: name ?? heard ?? '…', avatar: null, color: null }
}
