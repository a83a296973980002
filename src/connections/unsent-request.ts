import { AddressRefusedError } from './outbound-guard.ts'

/** Codes of a fetch that failed before its request could leave: no address, no connection, no certificate to trust. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPROTO',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
const BEFORE_SENDING_STARTS = ['CERT_', 'ERR_TLS', 'ERR_SSL']
const MOST_CAUSES = 5

/**
 * Whether a request that failed was never sent, so that its provider can have read nothing of it. When in doubt (it was
 * stopped, or the connection broke) it was.
 */
export function wasNeverSent(error: unknown): boolean {
  let cause = error
  for (let depth = 0; depth < MOST_CAUSES && cause instanceof Error; depth++) {
    if (cause instanceof AddressRefusedError) return true
    if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.every(wasNeverSent)
    const code = 'code' in cause ? String(cause.code) : ''
    if (BEFORE_SENDING.has(code) || BEFORE_SENDING_STARTS.some((start) => code.startsWith(start))) return true
    cause = cause.cause
  }
  return false
}
