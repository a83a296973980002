/** Words about tools that clients, agents and workers share. Pure: browsers import this file too. */

/** What is done about a call of a tool: it runs, a person is asked first, or it never runs. */
export const toolPolicies = ['allow', 'ask', 'deny'] as const
export type ToolPolicy = (typeof toolPolicies)[number]

/** Names that every provider takes: as the model sees the tool, unique within an agent. */
export const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** The tools that are built in. */
export const builtinTools = ['calculator', 'current_time', 'search_files', 'web_fetch'] as const
export type BuiltinTool = (typeof builtinTools)[number]

/** Of a call that is not over. */
export const openToolCallStatuses = ['planned', 'awaiting', 'approved', 'started'] as const
export const toolCallStatuses = [
  ...openToolCallStatuses,
  'done',
  'failed',
  'denied',
  'expired',
  'cancelled',
  'unknown',
] as const
/**
 * planned: about to run; awaiting: a person is asked; approved: and said yes; started: runs. done, failed: it said so itself; denied, expired:
 * nobody allowed it; cancelled: stopped before it did anything; unknown: it may have done its deed.
 */
export type ToolCallStatus = (typeof toolCallStatuses)[number]

export const isOpenCall = ({ status }: { status: ToolCallStatus }): boolean =>
  openToolCallStatuses.some((open) => open === status)

/** The event that tells of a call that runs or is over. */
export function toolEventOf(status: ToolCallStatus): 'tool.started' | 'tool.completed' | 'tool.failed' {
  if (status === 'started') return 'tool.started'
  return status === 'done' ? 'tool.completed' : 'tool.failed'
}
