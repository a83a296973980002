import { createHash } from 'node:crypto'
import type { ToolPolicy } from '../contract/tool-names.ts'

/** A JSON Schema of an object, as a model is given it. */
export type ToolSchema = Record<string, unknown>

/** What a tool may do to the world: nothing, or something that a second call would do twice. */
export type ToolEffect = 'reads' | 'writes'

/**
 * What happens when a tool was started and nobody knows how it ended, and it is not started again by itself (it takes no idempotency key, or
 * was asked with it often enough): the model is told so, or a person is asked whether to start it again.
 */
export type OnUnknown = 'tell' | 'ask'

/** What a model is told of a tool, and what is judged by it: whatever of it changes makes it another tool, to be allowed anew. */
export interface ToolDefinition {
  /** As its source names it. */
  name: string
  title: string
  description: string
  inputSchema: ToolSchema
  effect: ToolEffect
  /** Takes an idempotency key: starting it again with the same key does nothing twice. */
  keyed: boolean
}

export type DefaultPolicy = Exclude<ToolPolicy, 'deny'>

/** A tool as an agent has it. */
export interface AgentTool extends Omit<ToolDefinition, 'name'> {
  source: 'builtin' | 'mcp'
  /** The MCP server; null for a built-in. */
  serverId: string | null
  /** As its source names it: what the source is asked for. */
  sourceName: string
  /** As the model sees it, `TOOL_NAME`, unique within the agent. */
  name: string
  onUnknown: OnUnknown
  /** The owner's word on calls of it; null where there is none. */
  policy: ToolPolicy | null
  /** What holds without the owner's word, by what a call asks for; without this, a person is asked. */
  defaultPolicy?: (args: Record<string, unknown>) => DefaultPolicy
  /** One call of it may take so long, in milliseconds. */
  timeoutMs: number
  /** Of its definition, `hashOf`: stored with each call. */
  definitionHash: string
}

/** Most bytes of a tool's definition, its schema in JSON included. */
export const MOST_DEFINITION_BYTES = 16_384
/** Most characters of a description that a model is given. */
export const MOST_DESCRIPTION = 2_000

/** Which tool of which source an agent has, and what its owner said about calls of it; null: nothing, so the default holds. */
export interface ToolChoice {
  /** The MCP server; null for a built-in. */
  serverId: string | null
  /** As its source names it. */
  name: string
  policy: ToolPolicy | null
}

/** What holds for a call where the owner says nothing: a person is asked, but for what does no harm. */
export const defaultPolicyOf = (
  { defaultPolicy }: Pick<AgentTool, 'defaultPolicy'>,
  args: Record<string, unknown>,
): DefaultPolicy => defaultPolicy?.(args) ?? 'ask'

/** Keys in the order of the alphabet, so that the same definition is the same text however it was written. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  )
}

/** SHA-256 of a value in JSON, in hex, however its fields were ordered. Its depth is bounded by whoever took it in. */
export const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')

/** Of a definition. */
export const hashOf = ({ name, title, description, inputSchema, effect, keyed }: ToolDefinition): string =>
  digestOf({ name, title, description, inputSchema, effect, keyed })
