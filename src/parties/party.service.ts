import type { Agent } from '../agents/agent.entity.ts'
import { requireDistinctNames } from '../agents/agent.policy.ts'
import type { AgentService } from '../agents/agent.service.ts'
import type { CreatePartyBody, UpdatePartyBody } from '../contract/party.schemas.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { Party } from './party.entity.ts'
import { membersOf, type PartyMember, requireWhole } from './party.policy.ts'
import type { PartyFields, PartyRepository } from './party.repository.ts'

type StopColumns = Pick<PartyFields, 'maxRounds' | 'maxCredits' | 'maxSeconds' | 'stopPhrase'>

interface PartyDependencies {
  parties: PartyRepository
  agents: Pick<AgentService, 'participants' | 'inOrder'>
  transactions: Transactions
  /** Saved parties that one user may have (USER_PARTIES), and one guest (GUEST_AGENTS). */
  most: number
  mostOfGuests: number
}

/** A party with who is in it, as far as they still are. */
export interface PartyWithMembers extends Party {
  members: PartyMember[]
}

/** Parties that are kept under a name, to be begun again and again. */
export class PartyService {
  readonly #deps: PartyDependencies

  constructor(dependencies: PartyDependencies) {
    this.#deps = dependencies
  }

  /** Newest first. */
  async list(userId: string, limit: number, before: string | undefined): Promise<PartyWithMembers[]> {
    return this.#withMembers(await this.#deps.parties.list(userId, limit, before))
  }

  /** Null where the user has no such party. */
  find(userId: string, id: string): Promise<Party | null> {
    return this.#deps.parties.findOwned(userId, id)
  }

  /** Parties of exactly this name, newest first. */
  named(userId: string, name: string, limit: number): Promise<Party[]> {
    return this.#deps.parties.named(userId, name, limit)
  }

  /** @throws AppError 404 */
  async get(userId: string, id: string): Promise<PartyWithMembers> {
    return this.#whole(await this.#deps.parties.findOwned(userId, id))
  }

  /**
   * A party with its agents in their order, which does not change until the end of this transaction.
   * @throws AppError 404; 409 `party.agents_gone`
   */
  async lockWhole(userId: string, id: string, tx: Tx): Promise<{ party: Party; agents: Agent[] }> {
    const party = await this.#deps.parties.lockOwned(userId, id, tx)
    if (!party) throw notFound('party')
    const agents = await this.#deps.agents.participants(party.agentIds, tx)
    requireWhole(membersOf(party, new Map(agents.map((agent) => [agent.id, agent]))).filter(({ gone }) => gone))
    return { party, agents }
  }

  /** Has room for one more party until the end of this transaction; answers what there are called. @throws AppError 409 `party.too_many` */
  async takeRoom(userId: string, isGuest: boolean, tx: Tx): Promise<string[]> {
    const { parties } = this.#deps
    const most = this.#mostFor(isGuest)
    if ((await parties.lockCount(userId, tx)) >= most) throw tooMany('party', most)
    return parties.names(userId, tx)
  }

  /** A party where there is room (`takeRoom`), of agents of one's own or the platform's. */
  async add(userId: string, { stop, ...terms }: CreatePartyBody, tx: Tx): Promise<Party> {
    return this.#deps.parties.create({ id: newId(), userId, ...terms, ...stopColumns(stop) }, tx)
  }

  /** @throws AppError 400 for agents of one name; 404 `agent.not_found`; 409 `party.too_many` */
  async create(userId: string, { stop, ...body }: CreatePartyBody, isGuest = false): Promise<PartyWithMembers> {
    const { parties, transactions } = this.#deps
    const most = this.#mostFor(isGuest)
    await this.#checkAgents(userId, body.agentIds)
    const party = await transactions.run(async (tx) => {
      if ((await parties.lockCount(userId, tx)) >= most) throw tooMany('party', most)
      return parties.create({ id: newId(), userId, ...body, ...stopColumns(stop) }, tx)
    })
    return this.#whole(party)
  }

  /** Who is not named anew stays, deleted or not. @throws AppError 400, 404 as `create` */
  async update(
    userId: string,
    id: string,
    { stop, ...change }: UpdatePartyBody,
    check: (current: Party) => void = () => {},
  ): Promise<PartyWithMembers> {
    if (change.agentIds) {
      // Whose party it is comes before what is wrong with the agents.
      if (!(await this.find(userId, id))) throw notFound('party')
      await this.#checkAgents(userId, change.agentIds)
    }
    const { parties, transactions } = this.#deps
    const party = await transactions.run(async (tx) => {
      const current = await parties.lockOwned(userId, id, tx)
      if (!current) throw notFound('party')
      check(current)
      return parties.update(userId, id, { ...change, ...(stop && stopColumns(stop)) }, tx)
    })
    return this.#whole(party)
  }

  /** @throws AppError 404 */
  async delete(userId: string, id: string): Promise<void> {
    if (!(await this.#deps.parties.delete(userId, id))) throw notFound('party')
  }

  #mostFor(isGuest: boolean): number {
    return isGuest ? this.#deps.mostOfGuests : this.#deps.most
  }

  async #whole(party: Party | null): Promise<PartyWithMembers> {
    if (!party) throw notFound('party')
    const [one] = await this.#withMembers([party])
    if (!one) throw notFound('party')
    return one
  }

  /** One query for the agents of all. */
  async #withMembers(parties: Party[]): Promise<PartyWithMembers[]> {
    const ids = [...new Set(parties.flatMap(({ agentIds }) => agentIds))]
    const agents = ids.length > 0 ? await this.#deps.agents.participants(ids) : []
    const byId = new Map(agents.map((agent) => [agent.id, agent]))
    return parties.map((party) => ({ ...party, members: membersOf(party, byId) }))
  }

  async #checkAgents(userId: string, ids: string[]): Promise<void> {
    const { agents } = this.#deps
    const found = await agents.participants(ids)
    const members = membersOf({ agentIds: ids, userId }, new Map(found.map((agent) => [agent.id, agent])))
    const present = new Set(members.flatMap(({ id, gone }) => (gone ? [] : [id])))
    requireDistinctNames(
      agents.inOrder(
        found.filter(({ id }) => present.has(id)),
        ids,
        (position) => `agentIds.${position}`,
      ),
    )
  }
}

/** What a body calls `stop`, as a row has it: what it does not say is no limit. */
const stopColumns = (stop: CreatePartyBody['stop']): StopColumns => ({
  maxRounds: stop.maxRounds ?? null,
  maxCredits: stop.maxCredits ?? null,
  maxSeconds: stop.maxSeconds ?? null,
  stopPhrase: stop.phrase ?? null,
})
