/** Five parties that are ready to talk: what they are about, and how they take turns. Their words are in the language of the page. */
import type { ChatspartyClient, StrategyName } from '../../../client/client.ts'

interface Starter {
  /** Its words: `starter.ID.title`, `.text` and `.message`. */
  id: 'debate' | 'review' | 'brainstorm' | 'redTeam' | 'panel'
  strategy: StrategyName
  maxTurns: number
}

export const STARTERS: readonly Starter[] = [
  { id: 'debate', strategy: 'round_robin', maxTurns: 6 },
  { id: 'review', strategy: 'supervisor', maxTurns: 5 },
  { id: 'brainstorm', strategy: 'mention', maxTurns: 6 },
  { id: 'redTeam', strategy: 'handoff', maxTurns: 6 },
  { id: 'panel', strategy: 'panel', maxTurns: 4 },
]
export type { Starter }

/** What the code review is about; it takes one too far. */
export const REVIEWED = '`const last = (list) => list[list.length]`'

/** How many of the platform's agents take part. */
const TABLE = 3

/** Begins the party among the agents that everybody has. @returns the id of the conversation @throws ApiError */
export async function begin(
  client: ChatspartyClient,
  { strategy, maxTurns }: Starter,
  message: string,
): Promise<string> {
  const { data } = await client.agents.list({ limit: 100 })
  const agentIds = data
    .filter(({ scope }) => scope === 'platform')
    .slice(0, TABLE)
    .map(({ id }) => id)
  const { conversationId } = await client.startParty({ agentIds, strategy, maxTurns, message })
  return conversationId
}
