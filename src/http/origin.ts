import type { Request, Response } from 'express'
import { type RequestOrigin, USER_AGENT_CHARS } from '../shared/request-origin.ts'
import { clientNetwork } from './client-network.ts'

/** Where a request comes from, for what is recorded and limited deeper down. */
export function originOf(request: Request, response: Response): RequestOrigin {
  const abort = new AbortController()
  response.on('close', () => abort.abort())
  return {
    network: clientNetwork(request.ip ?? 'unknown'),
    userAgent: request.get('user-agent')?.slice(0, USER_AGENT_CHARS) ?? null,
    requestId: String(response.locals.requestId),
    keyId: response.locals.user?.key?.id,
    traceParent: response.locals.span?.traceParent,
    signal: abort.signal,
  }
}
