import type { CreateAgentBody, UpdateAgentBody } from '../contract/agent.schemas.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import { builtinTools } from '../contract/tool-names.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError, type FieldIssue, invalidRequest, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { ToolChoice } from '../tools/tool.ts'
import type { Agent } from './agent.entity.ts'
import type { AgentFields, AgentRepository } from './agent.repository.ts'

/** What a stranger's agent may bring: connections, and what it may do, are for its new owner to say. */
type WithoutConnections = Omit<
  AgentFields,
  'connectionId' | 'model' | 'fallbackConnectionId' | 'fallbackModel' | 'tools' | 'maxSteps'
>

interface AgentDependencies {
  transactions: Transactions
  agents: AgentRepository
  /** True when the user may use this connection: own, or the platform's. Without a user: only the platform's. */
  connectionVisible: (userId: string | null, connectionId: string) => Promise<boolean>
  /** True when the user may use the tools of this MCP server: it is own. */
  toolServerVisible: (userId: string, serverId: string) => Promise<boolean>
  /** Agents that one user may have (USER_AGENTS), and one guest (GUEST_AGENTS). */
  most: number
  mostOfGuests: number
}

/** Agents of users, and those of the platform, which everybody may talk with and only administrators change. */
export class AgentService {
  readonly #transactions: Transactions
  readonly #agents: AgentRepository
  readonly #most: number
  readonly #mostOfGuests: number
  readonly #connectionVisible: AgentDependencies['connectionVisible']
  readonly #toolServerVisible: AgentDependencies['toolServerVisible']

  constructor({ transactions, agents, connectionVisible, toolServerVisible, most, mostOfGuests }: AgentDependencies) {
    this.#toolServerVisible = toolServerVisible
    this.#transactions = transactions
    this.#agents = agents
    this.#most = most
    this.#mostOfGuests = mostOfGuests
    this.#connectionVisible = connectionVisible
  }

  list(userId: string, limit: number, before: string | undefined): Promise<Agent[]> {
    return this.#agents.listVisible(userId, limit, before)
  }

  /** Null where the user may see no such agent. */
  find(userId: string, id: string): Promise<Agent | null> {
    return this.#agents.findVisible(userId, id)
  }

  /** Agents of exactly this name that the user may see, newest first. */
  named(userId: string, name: string, limit: number): Promise<Agent[]> {
    return this.#agents.namedVisible(userId, name, limit)
  }

  async get(userId: string, id: string): Promise<Agent> {
    const agent = await this.find(userId, id)
    if (!agent) throw notFound('agent')
    return agent
  }

  /** @throws AppError 409 `agent.too_many` */
  async create(userId: string, body: CreateAgentBody, isGuest = false): Promise<Agent> {
    const most = this.#mostFor(isGuest)
    await this.#checkConnections(userId, body)
    await this.#checkTools(userId, body.tools)
    return this.#transactions.run(async (tx) => {
      if ((await this.#agents.lockCount(userId, tx)) >= most) throw tooMany('agent', most)
      return this.#agents.create({ id: newId(), userId, ...body }, tx)
    })
  }

  /**
   * Has room for so many more agents until the end of this transaction; answers the names of those that the user may see.
   * @throws AppError 409 `agent.too_many`
   */
  async takeRoom(userId: string, count: number, isGuest: boolean, tx: Tx): Promise<string[]> {
    const most = this.#mostFor(isGuest)
    if ((await this.#agents.lockCount(userId, tx)) + count > most) throw tooMany('agent', most)
    return this.#agents.namesVisible(userId, tx)
  }

  /** Several at once, without connections and tools, where there is room (`takeRoom`); in their order. */
  async addAll(userId: string, agents: WithoutConnections[], tx: Tx): Promise<Array<Pick<Agent, 'id' | 'name'>>> {
    const none = {
      connectionId: null,
      model: null,
      fallbackConnectionId: null,
      fallbackModel: null,
      tools: [],
      maxSteps: null,
    }
    const made = agents.map((agent) => ({ ...agent, ...none, id: newId(), userId }))
    await this.#agents.createAll(made, tx)
    return made.map(({ id, name }) => ({ id, name }))
  }

  /** `check` is told what there is, before it is changed. */
  async update(
    actor: AuthUser,
    id: string,
    body: UpdateAgentBody,
    check: (current: Agent) => void = () => {},
  ): Promise<Agent> {
    const { userId } = await this.#editable(actor, id)
    // Of the agent's owner: what is the platform's must not depend on the private connection of one administrator.
    await this.#checkConnections(userId, body)
    await this.#checkTools(userId, body.tools)
    return this.#transactions.run(async (tx) => {
      const current = await this.#agents.lock(id, tx)
      if (!current) throw notFound('agent')
      check(current)
      const agent = await this.#agents.update(id, body, tx)
      if (!agent) throw notFound('agent')
      return agent
    })
  }

  async delete(actor: AuthUser, id: string): Promise<void> {
    await this.#editable(actor, id)
    await this.#agents.markDeleted(id)
  }

  /**
   * The agents that a request names, in its order, of those that were found.
   * @throws AppError 404 `agent.not_found` that names the path of each unknown one.
   */
  inOrder(found: Agent[], ids: string[], path: (position: number) => string): Agent[] {
    const byId = new Map(found.map((agent) => [agent.id, agent]))
    const unknown = ids.flatMap((id, position) =>
      byId.has(id) ? [] : [{ path: path(position), message: 'is not an agent of yours' }],
    )
    if (unknown.length) throw notFound('agent', { issues: unknown })
    return ids.flatMap((id) => byId.get(id) ?? [])
  }

  /** Agents of a run that was accepted before, deleted ones too. */
  participants(ids: string[], tx?: Tx): Promise<Agent[]> {
    return this.#agents.participants(ids, tx)
  }

  /** One of the user's own, which does not change until the end of this transaction. @throws AppError 404 */
  async lockOwn(userId: string, id: string, tx: Tx): Promise<Agent> {
    const agent = await this.#agents.lock(id, tx)
    if (agent?.userId !== userId) throw notFound('agent')
    return agent
  }

  #mostFor(isGuest: boolean): number {
    return isGuest ? this.#mostOfGuests : this.#most
  }

  async #editable(actor: AuthUser, id: string): Promise<Agent> {
    const agent = await this.get(actor.id, id)
    if (agent.userId === null && actor.role !== 'admin') throw new AppError('auth.forbidden/agent')
    return agent
  }

  async #checkConnections(
    userId: string | null,
    body: Partial<Pick<Agent, 'connectionId' | 'fallbackConnectionId'>>,
  ): Promise<void> {
    const message = userId === null ? 'is not a connection of the platform' : 'is not a connection of yours'
    for (const path of ['connectionId', 'fallbackConnectionId'] as const) {
      const id = body[path] ?? null
      if (id !== null && !(await this.#connectionVisible(userId, id))) throw invalidRequest([{ path, message }])
    }
  }

  /** Tools that there are: whether a server has one of that name, its turns find out. */
  async #checkTools(userId: string | null, tools: readonly ToolChoice[] = []): Promise<void> {
    const issues: FieldIssue[] = []
    const visible = new Map<string, boolean>()
    for (const [position, { serverId, name }] of tools.entries()) {
      if (serverId === null) {
        if (!builtinTools.some((builtin) => builtin === name)) {
          issues.push({
            path: `tools.${position}.name`,
            message: `is no built-in tool: there are ${builtinTools.join(', ')}`,
          })
        }
        continue
      }
      if (!visible.has(serverId)) {
        visible.set(serverId, userId !== null && (await this.#toolServerVisible(userId, serverId)))
      }
      if (!visible.get(serverId))
        issues.push({ path: `tools.${position}.serverId`, message: 'is not an MCP server of yours' })
    }
    if (issues.length > 0) throw invalidRequest(issues)
  }
}
