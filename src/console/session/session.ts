/** Who is signed in on this page. The token is kept by the browser; other tabs follow when it changes. */
import { useSyncExternalStore } from 'react'
import { ChatspartyClient, type SignedInView } from '../../client/client.ts'
import { keepDraftsOf } from './drafts.ts'
import { queries } from './queries.ts'

const KEY = 'chatsparty.token'
const listeners = new Set<() => void>()

let client = clientOf(localStorage.getItem(KEY) ?? undefined)

function clientOf(token: string | undefined): ChatspartyClient {
  const made: ChatspartyClient = new ChatspartyClient({
    url: location.origin,
    ...(token !== undefined && { token }),
    async fetch(input, init) {
      const asked = made.token
      const response = await fetch(input, init)
      // The token is good no more, wherever that was found out; a wrong password is a 401 too, and signs nobody out.
      if (response.status === 401 && asked !== undefined && (await isSessionOver(response.clone()))) {
        if (asked === client.token) endSession()
      }
      return response
    },
  })
  made.onLiveStatus(() => {
    if (made.liveStatus === 'ended' && made === client) endSession()
  })
  return made
}

async function isSessionOver(response: Response): Promise<boolean> {
  const body: unknown = await response.json().catch(() => undefined)
  if (typeof body !== 'object' || body === null || !('error' in body)) return false
  const { error } = body
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'auth.unauthorized'
}

function become(token: string | undefined): void {
  client.close()
  client = clientOf(token)
  // Nothing of whoever was here before is shown to whoever comes next.
  queries.clear()
  for (const listener of listeners) listener()
}

/** The client of whoever is signed in, or of nobody. Another one after each sign-in and sign-out. */
export const currentClient = (): ChatspartyClient => client

/** After `login`, `register` or `guest` of any client: this page is that user's. */
export function beginSession({ token, user }: SignedInView): void {
  keepDraftsOf(user.id)
  localStorage.setItem(KEY, token)
  become(token)
  queries.setQueryData(['me'], user)
}

/** Forgets the token. The session itself goes on, elsewhere or until it expires: `signOut` ends it. */
export function endSession(): void {
  localStorage.removeItem(KEY)
  become(undefined)
}

/** Ends the session, here at once, and at the server if that can be reached. */
export async function signOut(): Promise<void> {
  const ended = new ChatspartyClient({ url: location.origin, ...(client.token && { token: client.token }) })
  endSession()
  await ended.logout().catch(() => {})
}

window.addEventListener('storage', ({ key, newValue }) => {
  if (key === KEY && (newValue ?? undefined) !== client.token) become(newValue ?? undefined)
})

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The client of the session; whoever uses it is rendered again when somebody signs in or out. */
export const useClient = (): ChatspartyClient => useSyncExternalStore(subscribe, currentClient)

/** Whether somebody is signed in, as far as this page knows. */
export const useIsSignedIn = (): boolean => useClient().token !== undefined
