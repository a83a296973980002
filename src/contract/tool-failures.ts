/**
 * Why a call came to nothing, in our words. `tool.failed` is the tool's own word for it, and what it gave back says why. Of an MCP server that
 * cannot be asked the codes begin with `mcp.`.
 */
export const toolFailureCodes = [
  'tool.bad_arguments',
  'tool.changed',
  'tool.denied',
  'tool.failed',
  'tool.fetch_failed',
  'tool.gone',
  'tool.rate_limited',
  'tool.repeated',
  'tool.timeout',
  'tool.too_many',
  'tool.unavailable',
  'tool.unknown',
] as const
export type ToolFailureCode = (typeof toolFailureCodes)[number]
