import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '../shared/errors.ts'
import { Seats } from '../shared/seats.ts'
import { clientNetwork } from './client-network.ts'
import { errorBody } from './error-handler.ts'

export interface ServerLimits {
  /** Connections of this process (MAX_CONNECTIONS); more are closed as they come. */
  connections: number
  /** Connections of one network; undefined behind a proxy, whose address all of them have. */
  networkConnections: number | undefined
  /** The longest time that a body may take to arrive, in ms, unless its route reads it by itself (REQUEST_BODY_MS). */
  bodyMs: number
  /** A connection on which nothing moves for this long, though something should, is closed, in ms. */
  idleMs: number
}

/**
 * A client that was answered before it had sent all of its body may go on for this long, in ms, so that it gets to read the answer; for
 * no longer than a whole body may take.
 */
const LINGER_MS = 5_000

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>()

/** For routes that read a body by themselves, with limits of their own: uploads take their time. */
export function ownBody(request: IncomingMessage): void {
  clearTimeout(deadlines.get(request))
}

/** Bounds what connections of this server cost before any route has a say, those of Socket.IO too. */
export function limitServer(server: Server, { connections, networkConnections, bodyMs, idleMs }: ServerLimits): void {
  server.maxConnections = connections
  server.setTimeout(idleMs)
  if (networkConnections !== undefined) {
    const seats = new Seats({ each: networkConnections, all: connections })
    server.on('connection', (socket: Socket) => {
      const leave = seats.take(clientNetwork(socket.remoteAddress ?? ''))
      if (typeof leave === 'function') socket.once('close', leave)
      else socket.destroy()
    })
  }
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!hasBody(request)) return
    const timer = setTimeout(() => refuseBody(request, response), bodyMs)
    deadlines.set(request, timer)
    request.once('close', () => clearTimeout(timer))
    response.once('finish', () => {
      clearTimeout(timer)
      if (request.complete) return
      request.resume()
      const linger = setTimeout(() => request.complete || request.destroy(), Math.min(LINGER_MS, bodyMs))
      request.once('close', () => clearTimeout(linger))
    })
  })
}

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

function refuseBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return
  if (response.headersSent) return void request.destroy()
  const error = new AppError('request.timeout')
  response.writeHead(error.status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' })
  response.end(JSON.stringify(errorBody(error)), () => request.destroy())
}
