import { io, type Socket } from 'socket.io-client'

/** A bare Socket.IO client: for what the typed client would never do. */
export class SocketTap {
  readonly socket: Socket
  readonly received: { type: string; payload: Record<string, unknown> }[] = []
  #wake: (() => void)[] = []

  constructor(url: string, token: string | null) {
    this.socket = io(url, { transports: ['websocket'], auth: { token }, forceNew: true, reconnection: false })
    this.socket.onAny((type: string, payload: Record<string, unknown>) => {
      this.received.push({ type, payload })
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  async connected(): Promise<this> {
    if (!this.socket.connected) {
      await new Promise<void>((resolve, reject) => this.socket.once('connect', resolve).once('connect_error', reject))
    }
    return this
  }

  /** The code with which the connection is refused. */
  refused(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.socket.once('connect_error', (error) => resolve('data' in error ? Object(error.data).code : error.message))
      this.socket.once('connect', () => reject(new Error('the server took the connection')))
    })
  }

  /** The reason for which the connection ends. */
  ended(): Promise<string> {
    return new Promise((resolve) => this.socket.once('disconnect', (reason) => resolve(reason)))
  }

  /** The acknowledgement. */
  async ask(name: string, body: object): Promise<Record<string, unknown>> {
    return Object(await this.socket.timeout(15_000).emitWithAck(name, body))
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  /** Reads no more from the TCP connection, until `resume`. */
  pause(): void {
    this.#tcp().pause()
  }

  resume(): void {
    this.#tcp().resume()
  }

  close(): void {
    this.socket.disconnect()
  }

  #tcp(): { pause(): void; resume(): void } {
    const transport: unknown = Reflect.get(this.socket.io.engine, 'transport')
    const ws: unknown = typeof transport === 'object' && transport ? Reflect.get(transport, 'ws') : undefined
    if (!isPausable(ws)) throw new Error('not a WebSocket of the ws package')
    return ws
  }
}

const isPausable = (value: unknown): value is { pause(): void; resume(): void } =>
  typeof value === 'object' && value !== null && 'pause' in value && 'resume' in value
