import type { ToolCallView } from '../../../client/client.ts'
import type { ToolFailureCode } from '../../../contract/tool-failures.ts'
import { type BuiltinTool, builtinTools } from '../../../contract/tool-names.ts'
import type words from './words/en.ts'

type Words = keyof typeof words

/** Words for the codes of why a call came to nothing, but for those that tell of a server (`servers/problem-words.ts`). */
const REASONS: Record<ToolFailureCode | 'mcp.tool_changed', Words> = {
  'mcp.tool_changed': 'tool.why.changed',
  'tool.bad_arguments': 'tool.why.arguments',
  'tool.changed': 'tool.why.changed',
  'tool.denied': 'tool.why.denied',
  'tool.failed': 'tool.why.failed',
  'tool.fetch_failed': 'tool.why.fetch',
  'tool.gone': 'tool.why.gone',
  'tool.rate_limited': 'tool.why.limited',
  'tool.repeated': 'tool.why.repeated',
  'tool.timeout': 'tool.why.timeout',
  'tool.too_many': 'tool.why.tooMany',
  'tool.unavailable': 'tool.why.unavailable',
  'tool.unknown': 'tool.why.unknown',
}
const isReason = (code: string): code is keyof typeof REASONS => Object.hasOwn(REASONS, code)

/** Of these what the agent was told says no more than the words of the page. */
const SAID_ALL: readonly string[] = [
  'mcp.tool_changed',
  'tool.changed',
  'tool.denied',
  'tool.gone',
  'tool.rate_limited',
  'tool.repeated',
  'tool.too_many',
  'tool.unavailable',
]

/** What there is to say of calls by how they ended. */
const ENDS: Partial<Record<ToolCallView['status'], Words>> = {
  cancelled: 'tool.over.cancelled',
  expired: 'tool.over.expired',
  unknown: 'tool.unknown',
}

/** Why a call came to nothing, as far as that is known. */
export interface Reason {
  /** Of the room's words. */
  words: Words[]
  /** A code that may tell of a server. */
  serverCode: string | null
  /** What stands there besides, as it is: a server's own words, or ours to its agent, which are English. */
  quote: { of: 'server' | 'agent'; text: string } | null
}

/** Which built-in tool a call is of. Names of servers' tools have a mark of their server, which `sourceName` has not. */
export const builtinOf = ({
  name,
  sourceName = name,
}: Pick<ToolCallView, 'name' | 'sourceName'>): BuiltinTool | undefined =>
  builtinTools.find((builtin) => builtin === name && builtin === sourceName)

/** Null of a call that is not over, or was done. */
export function reasonOf(
  call: Pick<ToolCallView, 'name' | 'sourceName' | 'status' | 'result' | 'errorCode'>,
): Reason | null {
  const { status, result, errorCode } = call
  if (!['failed', 'denied', 'expired', 'cancelled', 'unknown'].includes(status)) return null
  const end = ENDS[status]
  const words = end ? [end] : []
  if (errorCode === null) {
    if (status === 'denied') words.push('tool.why.denied.you')
    return { words, serverCode: null, quote: result === null ? null : { of: 'agent', text: result } }
  }
  if (errorCode === 'tool.failed' && !builtinOf(call)) {
    return { words, serverCode: null, quote: result === null ? null : { of: 'server', text: result } }
  }
  if (isReason(errorCode)) words.push(REASONS[errorCode])
  const isSaid = result === null || SAID_ALL.includes(errorCode)
  return {
    words,
    serverCode: isReason(errorCode) ? null : errorCode,
    quote: isSaid ? null : { of: 'agent', text: result },
  }
}
