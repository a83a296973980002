import type { KeyScope } from './key-scopes.ts'

export type Role = 'user' | 'admin'

/** Every API key begins with this, and no other token does. */
export const KEY_PREFIX = 'cp_'

/** The API key that somebody calls with. */
export interface CallingKey {
  id: string
  scopes: readonly KeyScope[]
}

/** Who is signed in, and by which session; or whose API key it is. */
export interface AuthUser {
  id: string
  /** Of a key without the scope `admin`: a user's, whoever made it. */
  role: Role
  /** The session, or the key, with whose end all ends that was begun with it. */
  sessionId: string
  /** True of a guest, who has no e-mail address and may do less (`guests` of a route). Guests have no API keys. */
  isGuest?: boolean
  /** Undefined for a session. */
  key?: CallingKey
}
