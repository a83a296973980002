import type { RequestHandler } from 'express'
import type { Logger } from '../shared/logger.ts'

/** After this long without a sign of a proxy there is none, in ms. */
const FORGET_MS = 600_000
/** Peers that are remembered. */
const MOST_PEERS = 100

/**
 * Sees a balancer that TRUST_PROXY does not know of: one peer that forwards for several clients. All of them then count as one
 * address, and the whole site has the requests a minute that are meant for one.
 */
export class ProxyWatch {
  readonly #logger: Logger
  /** By peer, the client that it last forwarded for. */
  readonly #peers = new Map<string, string>()
  #seenAt = -FORGET_MS
  #isTold = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  readonly watch: RequestHandler = (request, _response, next) => {
    const forwarded = request.get('x-forwarded-for')?.slice(0, 200)
    const peer = request.socket.remoteAddress
    if (forwarded && peer) this.#note(peer, forwarded)
    next()
  }

  /** For readiness. @throws Error while such a balancer is seen */
  readonly check = async (): Promise<void> => {
    if (performance.now() - this.#seenAt < FORGET_MS) throw new Error('X-Forwarded-For comes in, and TRUST_PROXY is 0')
  }

  #note(peer: string, forwarded: string): void {
    const before = this.#peers.get(peer)
    if (before === undefined && this.#peers.size >= MOST_PEERS) this.#peers.clear()
    this.#peers.set(peer, forwarded)
    if (before === undefined || before === forwarded) return
    this.#seenAt = performance.now()
    if (this.#isTold) return
    this.#isTold = true
    this.#logger.warn(
      { peer },
      'one address forwards for several clients (X-Forwarded-For): if it is your balancer, set TRUST_PROXY to the number of proxies; until then limits count all of them as one client',
    )
  }
}
