import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A server on 127.0.0.1, whose port may change when it starts again. */
export interface LinkTarget {
  readonly port: number
}

/**
 * One client's way to the servers: a loopback TCP proxy before one of them at a time, which a test cuts and turns.
 *
 * @example
 * const link = await Link.open(cluster.web(0))
 * const client = new ChatspartyClient({ url: link.url, token })
 * link.cut()
 * link.moveTo(cluster.web(1))
 */
export class Link {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target: LinkTarget
  #accepted = 0

  private constructor(target: LinkTarget) {
    this.#target = target
    this.#server = createServer((from) => {
      this.#accepted++
      joinSockets(from, connect(this.#target.port, '127.0.0.1'), this.#sockets)
    })
  }

  static async open(target: LinkTarget): Promise<Link> {
    const link = new Link(target)
    link.#server.listen(0, '127.0.0.1')
    await once(link.#server, 'listening')
    return link
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`
  }

  get target(): LinkTarget {
    return this.#target
  }

  /** Connections that were ever made to it. */
  get accepted(): number {
    return this.#accepted
  }

  /** Drops every connection; the next one goes to the same server. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Drops every connection; the next one goes to `target`. */
  moveTo(target: LinkTarget): void {
    this.#target = target
    this.cut()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}

/** @throws Error when the server does not listen on a port */
export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  return address.port
}

/** Has each of two sockets send what the other receives, and end with it; both are among `sockets` while they are open. */
export function joinSockets(from: Socket, to: Socket, sockets: Set<Socket>): void {
  for (const [one, other] of [[from, to] as const, [to, from] as const]) {
    sockets.add(one)
    one.setNoDelay(true)
    one.on('error', () => {})
    one.on('close', () => {
      sockets.delete(one)
      other.destroy()
    })
    one.pipe(other)
  }
}
