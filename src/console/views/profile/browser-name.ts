/** By what is said first among these: each browser claims to be those before it. */
const BROWSERS = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl', 'node'] as const
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS X', 'Linux'] as const
const NAMES: Record<string, string> = { Edg: 'Edge', OPR: 'Opera', 'Mac OS X': 'macOS', node: 'Node.js' }

/** `Firefox, Windows`, as far as a User-Agent header tells; undefined where it tells nothing that people know. */
export function browserOf(userAgent: string | null): string | undefined {
  const said = userAgent ?? ''
  const found = [BROWSERS.find((one) => said.includes(one)), SYSTEMS.find((one) => said.includes(one))]
  const names = found.flatMap((one) => (one === undefined ? [] : [NAMES[one] ?? one]))
  return names.length > 0 ? names.join(', ') : undefined
}
