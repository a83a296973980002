export type Role = 'user' | 'admin'

/** Who is signed in, and by which session. */
export interface AuthUser {
  id: string
  role: Role
  sessionId: string
}
