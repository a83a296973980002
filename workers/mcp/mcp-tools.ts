import { createHash } from 'node:crypto'
import type { Agent } from '../../src/agents/agent.entity.ts'
import { faultOf } from '../../src/mcp/mcp-fault.ts'
import type { McpServer } from '../../src/mcp/mcp-server.entity.ts'
import type { McpSessions } from '../../src/mcp/mcp-sessions.ts'
import type { ChosenTool, McpToolRepository } from '../../src/mcp/mcp-tool.repository.ts'
import { effectOf } from '../../src/mcp/tool-definition.ts'
import { AppError } from '../../src/shared/errors.ts'
import type { AgentTool, ToolChoice } from '../../src/tools/tool.ts'
import {
  type BoundTool,
  ToolBusy,
  type ToolContext,
  ToolFailed,
  type ToolOutcome,
  ToolOutcomeUnknown,
  type ToolRun,
  type ToolSource,
} from '../tools/tool-source.ts'
import type { PooledSession, SessionPool } from './session-pool.ts'
import { outcomeOf } from './tool-result.ts'

interface McpToolsDependencies {
  tools: Pick<McpToolRepository, 'chosen'>
  sessions: Pick<McpSessions, 'take' | 'failed' | 'answered'>
  pool: SessionPool
}

/** Of a tool's own name, so much is in the name that the model sees. */
const MOST_NAME = 55
const TAG_CHARS = 8
/** Calls of a server, or of all of a user's, are counted by the minute; most servers do so too, and few say how long. */
const BUSY_MS = 15_000
/** A server that wants to be left alone for longer has refused the call. */
const LONGEST_BUSY_MS = 600_000

/** The name that a model sees: the tool's own, as far as providers take it, with a tag that makes it unique. It never changes. */
export function modelName(serverId: string, name: string): string {
  const tag = createHash('sha256').update(`${serverId}\0${name}`).digest('hex').slice(0, TAG_CHARS)
  const plain = name.replace(/[^a-zA-Z0-9_-]/g, '_')
  // Gemini takes none that begins with a digit or a dash.
  return `${(/^[a-zA-Z_]/.test(plain) ? plain : `_${plain}`).slice(0, MOST_NAME)}_${tag}`
}

/** Tools of MCP servers, as agents have and run them. */
export class McpTools implements ToolSource {
  readonly #deps: McpToolsDependencies

  constructor(dependencies: McpToolsDependencies) {
    this.#deps = dependencies
  }

  toolsOf({ tools }: Pick<Agent, 'tools'>, { userId }: Pick<ToolContext, 'userId'>): Promise<BoundTool[]> {
    return this.bind(tools, userId)
  }

  /**
   * Those of these choices that the user has: of a server of theirs that is on, listed by it, and as they were allowed. One statement, and none where
   * no server's tool is chosen.
   */
  async bind(choices: readonly ToolChoice[], userId: string): Promise<BoundTool[]> {
    const wanted = choices.flatMap(({ serverId, name }) => (serverId === null ? [] : [{ serverId, name }]))
    if (wanted.length === 0) return []
    const chosen = await this.#deps.tools.chosen(userId, wanted)
    return chosen.map((tool) => {
      const choice = choices.find(({ serverId, name }) => serverId === tool.serverId && name === tool.name)
      const bound = asAgentTool(tool, choice?.policy ?? null)
      return { tool: bound, run: (args, run) => this.#run(bound, tool.serverId, args, run) }
    })
  }

  async #run(tool: AgentTool, serverId: string, args: Record<string, unknown>, run: ToolRun): Promise<ToolOutcome> {
    const { sessions } = this.#deps
    try {
      const server = await sessions.take(run.userId, serverId)
      const outcome = await this.#call(server, tool, args, run)
      if (server.failures > 0 || server.status !== 'ready') await sessions.answered(server)
      return outcome
    } catch (error) {
      if (error instanceof ToolFailed) throw error
      // What may not be asked now was not asked.
      if (error instanceof AppError && error.code === 'mcp.busy') {
        throw new ToolBusy(error.code, error.message, BUSY_MS, { cause: error })
      }
      if (error instanceof AppError) throw new ToolFailed(error.code, error.message, { cause: error })
      const fault = faultOf(error, run.signal)
      // It ran, and this is all that is known of its answer.
      if (fault.outcome === 'known') {
        return { content: [{ type: 'text', text: fault.message }], isError: true, errorCode: fault.code }
      }
      if (fault.outcome === 'unknown') throw new ToolOutcomeUnknown(fault.message, { cause: fault })
      const { retryInMs = BUSY_MS } = fault
      if (fault.status === 429 && retryInMs <= LONGEST_BUSY_MS) {
        throw new ToolBusy(fault.code, fault.message, retryInMs, { cause: fault })
      }
      throw new ToolFailed(fault.code, fault.message, { cause: fault })
    }
  }

  /** A session that its server has forgotten is begun anew, once: what is asked of a session that is not there is not done. */
  async #call(
    server: McpServer,
    tool: AgentTool,
    args: Record<string, unknown>,
    run: ToolRun,
    isAgain = false,
  ): Promise<ToolOutcome> {
    const { pool, sessions } = this.#deps
    const { pooled, isNew } = await pool.take(server, run.signal)
    try {
      return await callOn(pooled, tool, args, run)
    } catch (error) {
      if (error instanceof ToolFailed) throw error
      const fault = faultOf(error, run.signal)
      const isForgotten = !isNew && !isAgain && fault.isSessionGone
      // One that is slow may yet answer others; it is also told what was given up.
      if (isForgotten || (fault.isTrouble && fault.code !== 'mcp.timeout')) pool.drop(pooled)
      if (!isForgotten) {
        if (fault.code !== 'mcp.error' && fault.code !== 'mcp.too_large') await sessions.failed(server, fault)
        throw fault
      }
    } finally {
      pool.give(pooled)
    }
    return this.#call(server, tool, args, run, true)
  }
}

async function callOn(
  { session, hashes }: PooledSession,
  { sourceName: name, inputSchema, timeoutMs, definitionHash }: AgentTool,
  args: Record<string, unknown>,
  { idempotencyKey, signal }: ToolRun,
): Promise<ToolOutcome> {
  if (hashes.get(name) !== definitionHash) {
    throw new ToolFailed(
      'mcp.tool_changed',
      'The tool is not what its owner allowed any more: it has to be allowed anew.',
    )
  }
  return outcomeOf(await session.callTool({ name, args, inputSchema, idempotencyKey, timeoutMs, signal }))
}

const asAgentTool = (tool: ChosenTool, policy: ToolChoice['policy']): AgentTool => {
  const { serverId, name, allowed, allowedHash, effect, keyed, onUnknown, timeoutMs } = tool
  const said = effect ?? effectOf(allowed)
  return {
    source: 'mcp',
    serverId,
    sourceName: name,
    name: modelName(serverId, name),
    title: allowed.title,
    description: allowed.description,
    inputSchema: allowed.inputSchema,
    effect: said,
    keyed: keyed ?? allowed.hints.idempotent,
    onUnknown,
    policy,
    timeoutMs,
    definitionHash: allowedHash,
  }
}
