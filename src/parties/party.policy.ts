import type { Agent } from '../agents/agent.entity.ts'
import { AppError, shortened } from '../shared/errors.ts'

/** Somebody of a saved party. `gone`: deleted since, or no agent of this user's any more; nothing is said for them. */
export interface PartyMember {
  id: string
  name: string
  gone: boolean
}

/** Members in the party's order, of the agents that were found for it, deleted ones among them. */
export const membersOf = (
  { agentIds, userId }: { agentIds: string[]; userId: string },
  found: ReadonlyMap<string, Agent>,
): PartyMember[] =>
  agentIds.map((id) => {
    const agent = found.get(id)
    const gone = !agent || agent.deletedAt !== null || (agent.userId !== null && agent.userId !== userId)
    return { id, name: agent?.name ?? '', gone }
  })

/** A party of which somebody was deleted does not talk: it would be another party. @throws AppError 409 `party.agents_gone` */
export function requireWhole(gone: ReadonlyArray<{ id: string; name: string }>): void {
  if (gone.length === 0) return
  const names = gone.map(({ name }) => shortened(name)).join(', ')
  throw new AppError('party.agents_gone', { words: { names }, details: { agents: gone } })
}
