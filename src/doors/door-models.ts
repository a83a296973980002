import type { Agent } from '../agents/agent.entity.ts'
import type { AgentService } from '../agents/agent.service.ts'
import { isGuid } from '../contract/inputs.ts'
import type { Party } from '../parties/party.entity.ts'
import type { PartyService } from '../parties/party.service.ts'
import { AppError } from '../shared/errors.ts'

/** Whom a request is put to; `id` is the name that always means it. */
export type DoorModel = { id: string; name: string; createdAt: Date; speakers: Array<Pick<Agent, 'id' | 'name'>> } & (
  | { kind: 'agent'; agent: Pick<Agent, 'id' | 'name' | 'userId'> }
  | { kind: 'party'; party: Pick<Party, 'id'> }
)

/** Of one name, so many are looked for: enough to say that it is not clear, and what would be. */
const NAMESAKES = 5
/** Agents, and parties, that are listed; a client of OpenAI's wire knows no pages here. */
const LISTED = 1_000

interface DoorModelDependencies {
  agents: Pick<AgentService, 'list' | 'find' | 'named' | 'participants'>
  parties: Pick<PartyService, 'list' | 'find' | 'named'>
}

/**
 * What the word `model` means at every door: `agent:<id>` or `party:<id>`, a bare id, or the exact name of an agent or a saved party
 * that the user may talk with.
 */
export class DoorModels {
  readonly #deps: DoorModelDependencies

  constructor(dependencies: DoorModelDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError 404 `model.not_found`; 400 `model.ambiguous` for a name of several, with what would be clear */
  async resolve(userId: string, model: string): Promise<DoorModel> {
    // Of an address, it may hold what no name does.
    const isText = model.isWellFormed() && !model.includes('\0')
    const found = isText ? await this.#named(userId, model.trim()) : []
    if (found.length === 0) throw new AppError('model.not_found')
    const [one, ...others] = found
    if (!one || others.length > 0) {
      const names = found.map(({ id }) => id)
      throw new AppError('model.ambiguous', { words: { names: names.join(', ') }, details: { models: names } })
    }
    return one
  }

  /** All that the user may talk with, newest first, parties before agents. */
  async list(userId: string): Promise<DoorModel[]> {
    const [parties, agents] = await Promise.all([
      this.#deps.parties.list(userId, LISTED, undefined),
      this.#deps.agents.list(userId, LISTED, undefined),
    ])
    return [...parties.map((party) => ofParty(party, [])), ...agents.map(ofAgent)]
  }

  async #named(userId: string, model: string): Promise<DoorModel[]> {
    const { agents, parties } = this.#deps
    const [, kind = 'any', id = ''] = /^(?:(agent|party):)?(.*)$/s.exec(model) ?? []
    if (isGuid(id)) {
      const agent = kind === 'party' ? undefined : await agents.find(userId, id.toLowerCase())
      if (agent) return [ofAgent(agent)]
      const party = kind === 'agent' ? undefined : await parties.find(userId, id.toLowerCase())
      return party ? [await this.#withSpeakers(party)] : []
    }
    const [someAgents, someParties] = await Promise.all([
      agents.named(userId, model, NAMESAKES),
      parties.named(userId, model, NAMESAKES),
    ])
    return [...(await Promise.all(someParties.map((party) => this.#withSpeakers(party)))), ...someAgents.map(ofAgent)]
  }

  async #withSpeakers(party: Party): Promise<DoorModel> {
    return ofParty(party, await this.#deps.agents.participants(party.agentIds))
  }
}

const ofAgent = (agent: Agent): DoorModel => ({
  id: `agent:${agent.id}`,
  name: agent.name,
  createdAt: agent.createdAt,
  speakers: [agent],
  kind: 'agent',
  agent,
})

const ofParty = (party: Party, speakers: Agent[]): DoorModel => ({
  id: `party:${party.id}`,
  name: party.name,
  createdAt: party.createdAt,
  speakers,
  kind: 'party',
  party,
})
