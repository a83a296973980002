import { z } from 'zod'
import { idInput } from '../contract/inputs.ts'
import { strategyView } from '../contract/views.ts'
import { invalidRequest } from '../shared/errors.ts'
import type { DoorModels } from './door-models.ts'

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

/** To whom something is said: an agent, a saved party, or some agents together. `terms` stand for what the party says of them. */
export type Whom = (
  | { kind: 'agent'; agent: { id: string } }
  | { kind: 'party'; party: { id: string } }
  | { kind: 'group'; agentIds: string[] }
) & { terms?: Pick<WhomInput, 'strategy' | 'maxTurns'> }

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
  const whom: Whom | undefined = name ? await models.resolve(userId, name) : agentIds && groupOf(agentIds)
  return whom && { ...whom, terms: { strategy, maxTurns } }
}

/** Those who are in a conversation: one alone, or several. */
export function groupOf(agentIds: string[]): Whom {
  const [id, ...others] = agentIds
  return id !== undefined && others.length === 0 ? { kind: 'agent', agent: { id } } : { kind: 'group', agentIds }
}
