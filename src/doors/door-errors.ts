import { ACCEPT_ERRORS } from '../chat/accept-errors.ts'
import type { ErrorCode } from '../shared/error-words.ts'

/** What reading a run over time may be refused for. */
export const READING_ERRORS = [
  'run.not_found',
  'run.unread',
  'stream.too_many',
  'server.closing',
] as const satisfies ErrorCode[]

/** What saying something through a door may be refused for, and being told what is said then. */
export const SPEAKING_ERRORS = [
  ...ACCEPT_ERRORS,
  ...READING_ERRORS,
  'model.not_found',
  'model.ambiguous',
  'chat.awaits_decision',
  'thread.busy',
  'thread.invalid',
] as const satisfies ErrorCode[]
