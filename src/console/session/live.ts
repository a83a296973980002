/** What the live connection tells of the whole account, for as long as somebody is signed in. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import type { LiveStatus } from '../../client/client.ts'
import { useClient } from './session.ts'
import { hearOfWaiting } from './use-waiting.ts'

/** Lists that an event makes stale, by its type; views that know more listen by `client.onUserEvent` themselves. */
const STALE: Record<string, readonly string[]> = {
  'credits.updated': ['credits'],
  'conversation.created': ['conversations'],
  'conversation.deleted': ['conversations'],
  'conversation.read': ['conversations'],
  'conversation.updated': ['conversations'],
  'file.updated': ['files'],
}

/** Fetches again what the server says has changed, and everything after a connection that was lost. */
export function useLiveUpdates(): void {
  const client = useClient()
  const queries = useQueryClient()
  useEffect(() => {
    if (client.token === undefined) return
    const offEvents = client.onUserEvent((event) => {
      const key = STALE[event.type]
      if (key) void queries.invalidateQueries({ queryKey: key })
      hearOfWaiting(queries, event)
    })
    let wasLost = false
    const offStatus = client.onLiveStatus(() => {
      if (client.liveStatus === 'reconnecting') wasLost = true
      if (client.liveStatus !== 'connected' || !wasLost) return
      wasLost = false
      void queries.invalidateQueries()
    })
    return () => {
      offEvents()
      offStatus()
    }
  }, [client, queries])
}

const subscribeOnline = (listener: () => void) => {
  window.addEventListener('online', listener)
  window.addEventListener('offline', listener)
  return () => {
    window.removeEventListener('online', listener)
    window.removeEventListener('offline', listener)
  }
}

/** Whether the page hears of what happens: `offline` is the browser's word, the rest the connection's. */
export function useLink(): LiveStatus | 'offline' {
  const client = useClient()
  const isOnline = useSyncExternalStore(subscribeOnline, () => navigator.onLine)
  const status = useSyncExternalStore(
    (listener) => client.onLiveStatus(listener),
    () => client.liveStatus,
  )
  return isOnline ? status : 'offline'
}
