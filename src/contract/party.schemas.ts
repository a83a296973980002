import { z } from 'zod'
import type { ChatSchemas } from './chat.schemas.ts'

/** The bodies of the party routes: what a chat may say of a party, and a name. */
export function partySchemas({ agentIds, strategy, maxTurns, stop }: ChatSchemas['terms']) {
  const fields = {
    name: z.string().trim().min(1, 'must not be empty').max(100),
    agentIds,
    strategy,
    /** Null: the usual number of the strategy. */
    maxTurns: maxTurns.nullable(),
    stop,
  }
  return {
    create: z.strictObject({
      ...fields,
      strategy: strategy.default('round_robin'),
      maxTurns: fields.maxTurns.default(null),
      stop: stop.default({}),
    }),
    /** What is left out stays as it is; `stop` is one thing. */
    update: z.strictObject(fields).partial(),
  }
}

export type PartySchemas = ReturnType<typeof partySchemas>
export type CreatePartyBody = z.output<PartySchemas['create']>
export type UpdatePartyBody = z.output<PartySchemas['update']>
/** A saved party as clients write it, and a change of one. */
export type SavedPartyInput = z.input<PartySchemas['create']>
export type SavedPartyChange = z.input<PartySchemas['update']>
