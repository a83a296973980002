import { AsyncLocalStorage } from 'node:async_hooks'

/** Where a request comes from. What a client may choose freely is cut to a size that a row can bear. */
export interface RequestOrigin {
  /** The address as limits count it: IPv4, or the /64 of an IPv6 address. */
  network: string
  /** At most 200 characters; null when the client does not say. */
  userAgent: string | null
  requestId: string
  /** The API key that it came with; undefined for a session's. */
  keyId?: string | undefined
  /** Its place in a trace (W3C `traceparent`), while requests are traced. */
  traceParent?: string | undefined
  /** Aborts when the client goes away. */
  signal: AbortSignal
}

export const USER_AGENT_CHARS = 200

const origins = new AsyncLocalStorage<RequestOrigin>()

/** Does work that knows where its request comes from, however deep it is called. */
export const withOrigin = <T>(origin: RequestOrigin, work: () => T): T => origins.run(origin, work)

/** The request that this is done for; undefined in what no request has asked for (seeding, jobs). */
export const currentOrigin = (): RequestOrigin | undefined => origins.getStore()

/** What a run notes of the request that it was asked for by. */
export function runOrigin(): { requestId: string; traceParent?: string; keyId?: string } | null {
  const origin = currentOrigin()
  if (!origin) return null
  const { requestId, traceParent, keyId } = origin
  return { requestId, ...(traceParent && { traceParent }), ...(keyId && { keyId }) }
}
