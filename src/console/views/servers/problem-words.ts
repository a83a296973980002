import type words from './words/en.ts'

/** Words for the codes of what can be wrong with a server, or with asking it. */
export const PROBLEM_WORDS = {
  'mcp.address_refused': 'servers.problem.address',
  'mcp.broken': 'servers.problem.broken',
  'mcp.busy': 'servers.problem.busy',
  'mcp.error': 'servers.problem.error',
  'mcp.lost': 'servers.problem.lost',
  'mcp.needs_sign_in': 'servers.problem.signIn',
  'mcp.not_found': 'servers.problem.gone',
  'mcp.off': 'servers.problem.off',
  'mcp.paused': 'servers.problem.paused',
  'mcp.refused': 'servers.problem.refused',
  'mcp.stopped': 'servers.problem.stopped',
  'mcp.timeout': 'servers.problem.timeout',
  'mcp.too_large': 'servers.problem.tooLarge',
  'mcp.unreachable': 'servers.problem.unreachable',
  'mcp.unreadable': 'servers.problem.unreadable',
} as const satisfies Record<string, keyof typeof words>

export const isServerProblem = (code: string): code is keyof typeof PROBLEM_WORDS => Object.hasOwn(PROBLEM_WORDS, code)
