import { createHash } from 'node:crypto'
import type { Agent } from '../agents/agent.entity.ts'
import type { PublishedAgentView } from '../contract/gallery-views.ts'
import type { Party } from '../parties/party.entity.ts'
import { presentStop } from '../parties/party.presenter.ts'
import type { GalleryContent, GalleryEntry } from './gallery-entry.entity.ts'

/** What is published, as it is at this moment. */
export type Source = Pick<GalleryEntry, 'kind' | 'name' | 'strategy' | 'faces' | 'content'>

/**
 * Of an agent what makes it who it is. Its connections are its owner's, a model's name means something with a connection alone; how much
 * an agent may write or think, and what tools it may use, is for whoever imports it to say, who pays and answers for it.
 */
const publishedAgent = (agent: Agent): PublishedAgentView => ({
  name: agent.name,
  instructions: agent.instructions,
  characteristics: agent.characteristics,
  chatStyle: agent.chatStyle,
  temperature: agent.temperature,
  avatar: agent.avatar,
  color: agent.color,
  platformAgentId: agent.userId === null ? agent.id : null,
})

const facesOf = ({ agents }: GalleryContent): GalleryEntry['faces'] =>
  agents.map(({ name, avatar, color }) => ({ name, avatar, color }))

export function agentSource(agent: Agent): Source {
  const content = { agents: [publishedAgent(agent)], party: null }
  return { kind: 'agent', name: agent.name, strategy: null, faces: facesOf(content), content }
}

/** @param agents those of the party, in its order */
export function partySource(party: Party, agents: Agent[]): Source {
  const { name, strategy, maxTurns } = party
  const content = { agents: agents.map(publishedAgent), party: { strategy, maxTurns, stop: presentStop(party) } }
  return { kind: 'party', name, strategy, faces: facesOf(content), content }
}

/** Of all that is shown but the author's name: who removes an entry does so whoever publishes it next. */
export function snapshotHash({ kind, name, content }: Source, description: string, tags: string[]): string {
  // Whose agent it was is nothing that anybody reads.
  const agents = content.agents.map(({ platformAgentId: _, ...agent }) => agent)
  const shown = [kind, name, agents, content.party, description, tags]
  return createHash('sha256').update(JSON.stringify(shown)).digest('base64url')
}

/** Whether an agent of the platform is still what was published, so that nobody needs a copy of it. */
export const isSame = (agent: Agent, published: PublishedAgentView): boolean => {
  const wordsOf = ({ name, instructions, characteristics, chatStyle, temperature }: Agent | PublishedAgentView) =>
    JSON.stringify([
      name,
      instructions,
      characteristics,
      chatStyle.friendliness,
      chatStyle.humor,
      chatStyle.formality,
      chatStyle.verbosity,
      temperature,
    ])
  return agent.userId === null && agent.deletedAt === null && wordsOf(agent) === wordsOf(published)
}
