import type { AgentChange, AgentInput } from '../contract/agent.schemas.ts'
import { type AgentView, agentView } from '../contract/agent-views.ts'
import type { SavedPartyChange, SavedPartyInput } from '../contract/party.schemas.ts'
import { listOf, type PartyView, partyView } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ChangeOptions, type ListOf, type PageQuery, type ReadOptions } from './rest.ts'

/** `/api/agents`: one's own, and the platform's, which are for everybody and change for nobody. */
export class AgentsApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<AgentView>> {
    return this.rest.call('GET /api/agents', listOf(agentView), { query, ...options })
  }

  /** Only `name` and `instructions` are needed; without a connection the agent speaks by the default one. */
  create(body: AgentInput, options: CallOptions = {}): Promise<AgentView> {
    return this.rest.call('POST /api/agents', agentView, { body, ...options })
  }

  get(id: string, options: ReadOptions = {}): Promise<AgentView> {
    return this.rest.call('GET /api/agents/:id', agentView, { params: { id }, ...options })
  }

  /** What is left out stays as it is. */
  update(id: string, body: AgentChange, options: ChangeOptions = {}): Promise<AgentView> {
    return this.rest.call('PUT /api/agents/:id', agentView, { params: { id }, body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/agents/:id', null, { params: { id }, ...options })
  }
}

/** `/api/parties`: who talks with whom, how, and until when, under a name; `startParty({ partyId, message })` begins one. */
export class PartiesApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<PartyView>> {
    return this.rest.call('GET /api/parties', listOf(partyView), { query, ...options })
  }

  create(body: SavedPartyInput, options: CallOptions = {}): Promise<PartyView> {
    return this.rest.call('POST /api/parties', partyView, { body, ...options })
  }

  get(id: string, options: ReadOptions = {}): Promise<PartyView> {
    return this.rest.call('GET /api/parties/:id', partyView, { params: { id }, ...options })
  }

  /** What is left out stays as it is; `stop` is one thing. */
  update(id: string, body: SavedPartyChange, options: ChangeOptions = {}): Promise<PartyView> {
    return this.rest.call('PUT /api/parties/:id', partyView, { params: { id }, body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/parties/:id', null, { params: { id }, ...options })
  }
}
