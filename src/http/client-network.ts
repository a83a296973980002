import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/**
 * What limits count an address as: an IPv4 address itself, of an IPv6 address its /64, which is what one customer is given at
 * the least and may choose from freely.
 *
 * @example clientNetwork('2001:db8::1') // '2001:db8:0:0::/64'
 */
export function clientNetwork(address: string): string {
  const [bare = ''] = address.split('%')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1]
  if (mapped) return mapped
  if (!isIPv6(bare)) return address
  const [before = '', after] = bare.split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after ? after.split(':') : []
  // An IPv4 address at the end stands for two groups.
  const gap = after === undefined ? 0 : 8 - head.length - tail.length - (bare.includes('.') ? 1 : 0)
  const parts = [...head, ...Array.from({ length: gap }, () => '0'), ...tail]
  return `${parts
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`
}

/**
 * The network around a client, for limits of a day: an IPv4 address's /24, an IPv6 address's /48, within which it costs little to
 * have many addresses.
 *
 * @example clientNeighbourhood('203.0.113.7') // '203.0.113.0/24'
 */
export function clientNeighbourhood(address: string): string {
  const network = clientNetwork(address)
  if (network.endsWith('::/64')) return `${network.slice(0, -'::/64'.length).split(':').slice(0, 3).join(':')}::/48`
  return isIPv4(network) ? `${network.split('.').slice(0, 3).join('.')}.0/24` : network
}

/**
 * The address that a request came from, as Express has it with `trust proxy` at this number (TRUST_PROXY): for what does not pass
 * through Express.
 */
export function clientAddress(
  { socket, headers }: Pick<IncomingMessage, 'headers'> & { socket: { remoteAddress?: string | undefined } },
  trustedProxies: number,
): string {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
  const hops = forwarded.map((hop) => hop.trim()).filter(Boolean)
  const nearest = [socket.remoteAddress ?? '', ...hops.reverse()]
  return nearest[Math.min(trustedProxies, nearest.length - 1)] ?? ''
}
