import { z } from 'zod'
import { idInput } from '../contract/inputs.ts'
import { strategyView } from '../contract/views.ts'
import { invalidRequest } from '../shared/errors.ts'
import type { DoorModels, PartyPlan } from './door-models.ts'

/** How an app says whom its users talk with; without any of the first four, whoever was talked with last in the same chat. */
export const whomShape = {
  /** As `DoorModels` reads it. */
  model: z.string().min(1).max(300).optional(),
  agentId: idInput.optional(),
  partyId: idInput.optional(),
  agentIds: z.array(idInput).min(1).max(10).optional(),
  strategy: strategyView.optional(),
  maxTurns: z.number().int().min(1).optional(),
}
const whomInput = z.object(whomShape)
export type WhomInput = z.output<typeof whomInput>

/** To whom something is said. */
export type Whom =
  | { kind: 'agent'; agent: { id: string } }
  | { kind: 'party'; party: Pick<PartyPlan, 'agentIds' | 'strategy' | 'maxTurns' | 'stop'> }

/** Whom a request names; undefined when it names nobody. @throws AppError 400 for several at once; 404 */
export async function namedWhom(
  models: Pick<DoorModels, 'resolve'>,
  userId: string,
  { model, agentId, partyId, agentIds, strategy, maxTurns }: WhomInput,
): Promise<Whom | undefined> {
  const named = Object.entries({ model, agentId, partyId, agentIds }).filter(([, value]) => value !== undefined)
  const [, second] = named
  if (second) throw invalidRequest([{ path: second[0], message: 'cannot be combined with another of its kind' }])
  const name = model ?? (agentId && `agent:${agentId}`) ?? (partyId && `party:${partyId}`)
  const whom = name ? await models.resolve(userId, name) : agentIds && groupOf(agentIds)
  if (whom?.kind !== 'party') return whom
  const { party } = whom
  const asked = { strategy: strategy ?? party.strategy, maxTurns: maxTurns ?? party.maxTurns }
  return { kind: 'party', party: { agentIds: party.agentIds, stop: party.stop, ...asked } }
}

/** Those who are in a conversation: one alone, or a party. */
export function groupOf(agentIds: string[]): Whom {
  const [id, ...others] = agentIds
  if (id !== undefined && others.length === 0) return { kind: 'agent', agent: { id } }
  return { kind: 'party', party: { agentIds, strategy: undefined, maxTurns: undefined, stop: undefined } }
}
