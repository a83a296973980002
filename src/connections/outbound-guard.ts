import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'
import { SetupError } from '../database/setup-error.ts'
import { invalidRequest } from '../shared/errors.ts'
import { classifyAddress } from './address-class.ts'

/**
 * The `fetch` of the package that the Agent comes from: Node's own is of another copy of undici, and requests that cross
 * copies were seen to hang. The two declare the same types separately, hence the cast.
 */
const fetchByAgent = undiciFetch as unknown as (
  input: string | URL | Request,
  init: RequestInit & { dispatcher: Agent },
) => Promise<Response>

/** Which addresses a server-side request may go to. */
export interface OutboundPolicy {
  /** `OUTBOUND_ALLOW`: host, host:port, address or CIDR that production permits besides the public internet. */
  allow: string[]
  /** Production: public addresses over https only. Otherwise loopback and private networks too, and http. */
  production: boolean
  /**
   * True for whoever must not learn what names within our network stand for: an address that is refused is then a host that is not
   * found, in every way that a caller could see.
   */
  hidesRefusals?: boolean
  /** Silence of a server, before its headers or within its body, after which the request fails; default 90 s. */
  idleTimeoutMs?: number
}

/** The policy forbids this address, or the address redirects. Final: retrying does not help. */
export class AddressRefusedError extends Error {
  override name = 'AddressRefusedError'
  readonly code = 'ERR_ADDRESS_REFUSED'
}

/** It answers with another address, which is not asked. */
export class RedirectRefusedError extends AddressRefusedError {
  readonly redirect: number

  constructor(redirect: number) {
    super('The address redirects to another one, which is not followed.')
    this.redirect = redirect
  }
}

const CONNECT_TIMEOUT_MS = 10_000
/** An answer of the most tokens that an agent may ask for, each in a chunk of its own, stays well below it. */
const MAX_RESPONSE_BYTES = 128 * 1_024 * 1_024
/** What an answer may become that was packed although nobody asked for it. */
const MAX_UNPACKED_BYTES = 16 * 1_024 * 1_024
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const REFUSED = 'This server may not connect to that address.'

/**
 * Checks every URL that a user can influence. The address is judged when the socket connects, after DNS, and the
 * socket goes to the very address that was judged, so a name that resolves differently a moment later gains nothing.
 *
 * @example
 * const guard = new OutboundGuard({ allow: env.OUTBOUND_ALLOW, production: env.NODE_ENV === 'production' })
 * guard.assertBaseUrl(body.baseUrl)
 * await guard.fetch('https://api.example.com/v1/models')
 */
export class OutboundGuard {
  readonly #production: boolean
  readonly #hidesRefusals: boolean
  readonly #hosts: Set<string>
  readonly #networks: BlockList
  readonly #agent: Agent
  readonly #connectors = new Map<string, buildConnector.connector>()

  /** @throws RangeError when an entry of `allow` is no host, host:port, address or CIDR. */
  constructor({ allow, production, hidesRefusals = false, idleTimeoutMs = 90_000 }: OutboundPolicy) {
    this.#production = production
    this.#hidesRefusals = hidesRefusals
    const { hosts, networks } = parseAllow(allow)
    this.#hosts = hosts
    this.#networks = networks
    this.#agent = new Agent({
      connect: (options, callback) => this.#connect(options, callback),
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      maxResponseSize: MAX_RESPONSE_BYTES,
    })
  }

  /** A `fetch` that obeys the policy, follows no redirect and sends no cookies. Refusals are `AddressRefusedError` causes. */
  readonly fetch: typeof fetch = async (input, init) => {
    const response = await this.hop(input, init)
    if (!REDIRECTS.has(response.status)) return response
    await response.body?.cancel()
    throw new RedirectRefusedError(response.status)
  }

  /** The same, but a redirect is answered as it is: whoever follows it asks again, and that address is judged as the first was. */
  readonly hop: typeof fetch = async (input, init) => {
    const problem = urlProblem(input instanceof Request ? input.url : String(input))
    if (problem) throw new AddressRefusedError(problem)
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    // A few hundred bytes can unpack to a gigabyte, and texts this short gain nothing.
    headers.set('accept-encoding', 'identity')
    const response = await fetchByAgent(input, { ...init, headers, redirect: 'manual', dispatcher: this.#agent })
    return bounded(response)
  }

  /**
   * A quick, clear refusal when a URL is written; what DNS says is judged when connecting.
   * @throws AppError 400 on `baseUrl`.
   */
  assertBaseUrl(url: string): void {
    this.assertTarget(url, 'baseUrl')
    const { search, hash } = new URL(url)
    if (search || hash) throw invalidRequest([{ path: 'baseUrl', message: 'must have no query and no fragment' }])
  }

  /** The same for an address that is called as it stands. @throws AppError 400 on `path` */
  assertTarget(url: string, path: string): void {
    const refuse = (message: string) => invalidRequest([{ path, message }])
    const problem = urlProblem(url)
    if (problem) throw refuse(problem)
    const { protocol, hostname, port } = new URL(url)
    const host = bareHost(hostname)
    const named = this.#isNamed(host, port || defaultPort(protocol))
    if (isIP(host) !== 0) {
      if (!this.#mayConnect(host, named, protocol)) throw refuse('names an address that this server may not connect to')
    } else if (this.#production && protocol === 'http:' && !named && this.#networks.rules.length === 0) {
      throw refuse('must be an https:// address')
    }
  }

  /** Closes idle sockets. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    const host = bareHost(options.hostname)
    const named = this.#isNamed(host, options.port || defaultPort(options.protocol))
    // A literal address is never looked up, so it is judged here; a name is judged in its lookup.
    if (isIP(host) !== 0 && !this.#mayConnect(host, named, options.protocol)) {
      callback(this.#refusal(host), null)
      return
    }
    this.#connectorFor(named, options.protocol)(options, callback)
  }

  #connectorFor(named: boolean, protocol: string): buildConnector.connector {
    const key = `${named} ${protocol}`
    const known = this.#connectors.get(key)
    if (known) return known
    const judged: LookupFunction = (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
        if (error) return callback(error, '')
        const permitted = addresses.filter(({ address }) => this.#mayConnect(address, named, protocol))
        const [first] = permitted
        if (!first) callback(this.#refusal(hostname), '')
        else if (options.all) callback(null, permitted)
        else callback(null, first.address, first.family)
      })
    }
    const connector = buildConnector({ lookup: judged, timeout: CONNECT_TIMEOUT_MS })
    this.#connectors.set(key, connector)
    return connector
  }

  #refusal(host: string): Error {
    if (!this.#hidesRefusals) return new AddressRefusedError(REFUSED)
    const notFound = { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: host }
    return Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), notFound)
  }

  #isNamed(host: string, port: string): boolean {
    return this.#hosts.has(host) || this.#hosts.has(`${host}:${port}`)
  }

  #mayConnect(address: string, named: boolean, protocol: string): boolean {
    const kind = classifyAddress(address)
    if (kind === 'metadata') return false
    if (named || this.#networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return true
    if (this.#production) return kind === 'public' && protocol === 'https:'
    return kind === 'public' || kind === 'local'
  }
}

/** The same answer; one that is packed breaks off beyond `MAX_UNPACKED_BYTES`. */
function bounded(response: Response): Response {
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase()
  if (!response.body || !encoding || encoding === 'identity') return response
  let bytes = 0
  const meter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes > MAX_UNPACKED_BYTES) controller.error(new RangeError('The answer unpacks to more than is read.'))
      else controller.enqueue(chunk)
    },
  })
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(meter), { status, statusText, headers })
}

/** `host:port` of URLs, as entries of `allow`: what the operator configured is permitted by that. */
export const allowedByUrl = (urls: Array<string | undefined>): string[] =>
  urls.flatMap((url) => {
    if (!url) return []
    const { hostname, port, protocol } = new URL(url)
    return [`${hostname}:${port || defaultPort(protocol)}`]
  })

const bareHost = (hostname: string): string =>
  hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
const defaultPort = (protocol: string): string => (protocol === 'https:' ? '443' : '80')

function urlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be an http:// or https:// address'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an http:// or https:// address'
  if (url.username || url.password) return 'must not contain a user name or password'
  return undefined
}

function parseAllow(allow: string[]): { hosts: Set<string>; networks: BlockList } {
  const hosts = new Set<string>()
  const networks = new BlockList()
  for (const entry of allow) {
    const [, network = '', prefix = ''] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? []
    const family = isIP(bareHost(entry))
    if (isIP(network) !== 0 && Number(prefix) <= (isIPv6(network) ? 128 : 32)) {
      networks.addSubnet(network, Number(prefix), isIPv6(network) ? 'ipv6' : 'ipv4')
    } else if (family !== 0) {
      networks.addAddress(bareHost(entry), family === 6 ? 'ipv6' : 'ipv4')
    } else if (!entry.includes('/') && URL.canParse(`http://${entry}`)) {
      const { hostname } = new URL(`http://${entry}`)
      const port = /:(\d+)$/.exec(entry)?.[1]
      hosts.add(port ? `${bareHost(hostname)}:${port}` : bareHost(hostname))
    } else {
      throw new SetupError(`OUTBOUND_ALLOW: "${entry}" is not a host, host:port, address or CIDR.`)
    }
  }
  return { hosts, networks }
}
