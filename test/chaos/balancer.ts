import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { joinSockets, type LinkTarget } from '../support/link.ts'

/** What stands before the web processes: each TCP connection goes to the next of them in turn that takes it. */
export class Balancer {
  readonly #server: Server
  readonly #targets = new Set<LinkTarget>()
  readonly #sockets = new Set<Socket>()
  #turn = 0

  private constructor() {
    this.#server = createServer((from) => this.#forward(from, this.#inTurn()))
  }

  static async open(): Promise<Balancer> {
    const balancer = new Balancer()
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    return balancer
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the balancer is closed')
    return `http://127.0.0.1:${address.port}`
  }

  add(target: LinkTarget): void {
    this.#targets.add(target)
  }

  /** Nothing new goes there; what is open stays. */
  remove(target: LinkTarget): void {
    this.#targets.delete(target)
  }

  /** Drops every connection, as a network would. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #inTurn(): LinkTarget[] {
    const all = [...this.#targets]
    const first = this.#turn++ % Math.max(1, all.length)
    return [...all.slice(first), ...all.slice(0, first)]
  }

  #forward(from: Socket, [target, ...others]: LinkTarget[]): void {
    from.on('error', () => {})
    if (!target) return void from.destroy()
    const to = connect(target.port, '127.0.0.1')
    const onRefused = () => this.#forward(from, others)
    to.once('error', onRefused)
    to.once('connect', () => {
      to.off('error', onRefused)
      joinSockets(from, to, this.#sockets)
    })
  }
}
