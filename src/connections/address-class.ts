import { BlockList, isIPv4, isIPv6 } from 'node:net'

/**
 * What kind of place an IP address is, from harmless to never:
 * - `public`: the internet
 * - `local`: this machine or its network (loopback, private, CGNAT, ULA)
 * - `special`: no ordinary host (unspecified, multicast, reserved, tunnels and translations such as NAT64)
 * - `metadata`: link-local and cloud metadata services, which hand out credentials
 */
export type AddressClass = 'public' | 'local' | 'special' | 'metadata'

const ranges = (list: string[]): BlockList => {
  const block = new BlockList()
  for (const range of list) {
    const [network = '', prefix] = range.split('/')
    block.addSubnet(network, Number(prefix), isIPv6(network) ? 'ipv6' : 'ipv4')
  }
  return block
}

// IANA special-purpose address registries; and the metadata services that lie outside link-local:
// Alibaba (100.100.100.200), Oracle (192.0.0.192), AWS over IPv6 (fd00:ec2::254), Google over IPv6 (fd20:ce::254).
const METADATA = ranges([
  '169.254.0.0/16',
  'fe80::/10',
  '100.100.100.200/32',
  '192.0.0.192/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
])
const LOCAL = ranges([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
])
const SPECIAL = ranges([
  '0.0.0.0/8',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
  '5f00::/16',
  'fec0::/10',
  'ff00::/8',
])

const SEVERITY: AddressClass[] = ['public', 'local', 'special', 'metadata']
const worse = (a: AddressClass, b: AddressClass): AddressClass => (SEVERITY.indexOf(a) > SEVERITY.indexOf(b) ? a : b)

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // The URL parser writes the dotted form (::ffff:127.0.0.1) in hexadecimal.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const parse = (part: string) => (part ? part.split(':').map((group) => Number.parseInt(group, 16)) : [])
  const left = parse(head)
  const right = parse(tail ?? '')
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

const ipv4Of = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.')

/**
 * IPv4 addresses that an IPv6 one carries, to which a translator or a tunnel on the way would connect; undefined where it carries none.
 */
function carriedBy(g: number[]): string[] | undefined {
  const startsWith = (...prefix: number[]) => prefix.every((group, i) => g[i] === group)
  const [, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0] = g
  // 6to4
  if (startsWith(0x2002)) return [ipv4Of(g1, g2)]
  // NAT64: the well-known prefix, and networks' own below 64:ff9b:1::/48, which carry it at the end or around bit 64.
  if (startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return [ipv4Of(g6, g7)]
  if (startsWith(0x64, 0xff9b, 1)) return [ipv4Of(g6, g7), ipv4Of(g3, ((g4 & 255) << 8) | (g5 >> 8))]
  // Teredo: its server, and its client with every bit turned.
  if (startsWith(0x2001, 0)) return [ipv4Of(g2, g3), ipv4Of(g6 ^ 0xffff, g7 ^ 0xffff)]
  // IPv4-translated (::ffff:0:a.b.c.d) and IPv4-compatible (::a.b.c.d)
  if (startsWith(0, 0, 0, 0, 0xffff, 0) || startsWith(0, 0, 0, 0, 0, 0)) return [ipv4Of(g6, g7)]
  // ISATAP, below any prefix
  return (g4 & 0xfdff) === 0 && g5 === 0x5efe ? [ipv4Of(g6, g7)] : undefined
}

/** The class of an IP address in text form; an IPv4 address inside an IPv6 one is judged too. Anything else is `special`. */
export function classifyAddress(text: string): AddressClass {
  const [address = ''] = text.split('%', 1)
  if (isIPv4(address)) {
    if (METADATA.check(address)) return 'metadata'
    if (LOCAL.check(address)) return 'local'
    return SPECIAL.check(address) ? 'special' : 'public'
  }
  if (!isIPv6(address)) return 'special'
  const g = groupsOf(address)
  const isMapped = g.slice(0, 6).join() === '0,0,0,0,0,65535'
  if (isMapped) return classifyAddress(ipv4Of(g[6], g[7]))
  if (METADATA.check(address, 'ipv6')) return 'metadata'
  if (LOCAL.check(address, 'ipv6')) return 'local'
  const carried = carriedBy(g)
  if (carried) return carried.map(classifyAddress).reduce(worse, 'special')
  return SPECIAL.check(address, 'ipv6') ? 'special' : 'public'
}
