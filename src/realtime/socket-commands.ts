import type { z } from 'zod'
import { type clientCommands, partySend, singleSend } from '../contract/events.ts'
import type { NeededScope } from '../contract/key-scopes.ts'
import type { FailureView } from '../contract/views.ts'
import { unavailable } from '../database/trouble.ts'
import { checkedInput } from '../shared/checked-input.ts'
import { AppError, notFound } from '../shared/errors.ts'

/** What an API key must be good for to give a command. The connection itself tells of what is read. */
const NEEDED: Record<string, NeededScope> = {
  'conversation.join': 'read',
  'conversation.leave': 'read',
  'message.send': 'chat',
  'run.cancel': 'chat',
  'auth.refresh': 'read',
} satisfies Record<keyof typeof clientCommands, NeededScope>
/** Of a name that is no command nobody needs anything. */
export const scopeOf = (command: string): NeededScope => NEEDED[command] ?? 'read'

/** Answers a command: `{ ok: true, ...answer }`. */
export type Reply = (answer: Record<string, unknown>) => void
/** One command: checks its body, does it, replies once; throws AppError. */
export type Command = (body: unknown, reply: Reply) => Promise<void>

/** A command whose body is checked by its schema. */
export const command =
  <T>(schema: z.ZodType<T>, run: (body: T, reply: Reply) => Promise<void>): Command =>
  async (body, reply) =>
    run(checkedInput(schema, body), reply)

/** The body of `message.send`, checked against the kind that it means to be, so that the issues fit. */
export function parseSend(body: unknown): z.infer<(typeof clientCommands)['message.send']> {
  const isParty = typeof body === 'object' && body !== null && ('agentIds' in body || 'partyId' in body)
  return isParty ? checkedInput(partySend, body) : checkedInput(singleSend, body)
}

export const unknownCommand = (): AppError => notFound('command')

export const tooFast = (): AppError => new AppError('socket.rate_limited', { details: { retryAfterSeconds: 1 } })

/** An error as acknowledgements carry it; what is no AppError tells nothing of the inside. */
export function failureOf(error: unknown): FailureView {
  const known = error instanceof AppError ? error : (unavailable(error) ?? new AppError('server.error/command'))
  return { message: known.message, code: known.code, details: known.details ?? {}, status: known.status }
}
