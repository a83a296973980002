import type { Agent } from '../../src/agents/agent.entity.ts'
import type { AgentTool } from '../../src/tools/tool.ts'

/** For whom tools are looked up. */
export interface ToolContext {
  /** Whose run it is; tools, files and servers are this user's. */
  userId: string
  conversationId: string
  /** What the user has said in it, as far as the speaker knows it. */
  userWords: readonly string[]
}

/** One call of a tool, as its source is given it. */
export interface ToolRun extends Omit<ToolContext, 'userWords'> {
  runId: string
  turn: number
  /** The call's number in its turn, from 0. */
  call: number
  /** The same for every start of the same call, and for no other call: to be passed on to whoever does the deed. */
  idempotencyKey: string
  /** Aborted by a cancel, a lost claim, a drain or the tool's timeout (`signal.reason`). */
  signal: AbortSignal
}

/** What a tool gives back; it is data, never instructions, and is cut and quoted before a model reads it. */
export type ToolContent =
  | { type: 'text'; text: string }
  | { type: 'file'; name: string; contentType: string; data: Uint8Array }

export interface ToolOutcome {
  content: ToolContent[]
  /** The tool itself says that it failed: its words are shown to the model. */
  isError: boolean
  /** Why it failed, where that is said in our words and not in the tool's. */
  errorCode?: string
}

/** A tool that can be run. */
export interface BoundTool {
  tool: AgentTool
  /**
   * Runs it once. `args` have been checked against its schema. Bytes of what it gives back are bounded by the source.
   * @throws ToolFailed when it is known to have done nothing; ToolOutcomeUnknown when it may have done its deed. Anything else that is
   * thrown counts as unknown for a tool that writes, and as failed for one that reads.
   */
  run(args: Record<string, unknown>, run: ToolRun): Promise<ToolOutcome>
}

/** Where tools come from: what is built in, MCP servers. */
export interface ToolSource {
  /**
   * The tools of this source that the agent has (its `tools`), also those that it is denied; at most 32. One that cannot be had now (its server is
   * off, its definition has changed and was not allowed anew) is left out. Asks no server: what is known is in rows.
   */
  toolsOf(agent: Agent, context: ToolContext): Promise<BoundTool[]>
}

/** The tool did nothing, or only what it says: never sent, refused, cannot be reached. `message` is shown to the model and the user. */
export class ToolFailed extends Error {
  override name = 'ToolFailed'
  /** `domain.reason`, shown to the user. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The tool did nothing: a limit was in the way, of ours or of its server's. */
export class ToolBusy extends ToolFailed {
  override name = 'ToolBusy'
  readonly retryInMs: number

  constructor(code: string, message: string, retryInMs: number, options?: ErrorOptions) {
    super(code, message, options)
    this.retryInMs = retryInMs
  }
}

/** Sent, and no answer: it may have done its deed. */
export class ToolOutcomeUnknown extends Error {
  override name = 'ToolOutcomeUnknown'
}
