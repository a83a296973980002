import type { ErrorCode } from '../shared/error-words.ts'

/** What an estimate may be refused for, as the request itself would be. */
export const ESTIMATE_ERRORS = [
  'agent.not_found',
  'party.not_found',
  'party.agents_gone',
  'conversation.not_found',
  'file.not_found',
  'connection.not_found',
  'connections.none',
  'connections.key_unreadable',
  'model.unpriced',
] as const satisfies ErrorCode[]

/** What a message may be refused for. */
export const ACCEPT_ERRORS = [
  ...ESTIMATE_ERRORS,
  'conversation.too_many',
  'credits.insufficient',
  'chat.busy',
  'chat.rate_limited',
  'request.idempotency_conflict',
  'auth.suspended',
] as const satisfies ErrorCode[]

/** What having something said once more may be refused for. */
export const AGAIN_ERRORS = [
  'connection.not_found',
  'connections.none',
  'connections.key_unreadable',
  'model.unpriced',
  'credits.insufficient',
  'chat.busy',
  'request.idempotency_conflict',
  'auth.suspended',
] as const satisfies ErrorCode[]
