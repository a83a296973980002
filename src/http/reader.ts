import type { AuthUser } from '../contract/auth-user.ts'
import { clientNetwork } from './client-network.ts'

/** Who asks for a stream, and from where, as limits of streams count it. */
export const readerOf = ({ user, ip }: { user: AuthUser; ip: string }) => ({
  userId: user.id,
  sessionId: user.sessionId,
  network: clientNetwork(ip),
})
