import type { IncomingHttpHeaders } from 'node:http'
import type { Request, Response } from 'express'
import { z } from 'zod'
import type { AuthUser } from '../contract/auth-user.ts'
import type { ShapeLimits } from '../shared/input-shape.ts'
import type { ErrorForm } from './error-handler.ts'
import { parseInput } from './input.ts'

/** Who may call a route: a required field, so that no route can forget it. */
export type Access = 'public' | 'user' | 'admin'
type UserOf<A extends Access> = A extends 'public' ? undefined : AuthUser
type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined

/** More than any ticket has. */
export const MOST_TICKET_CHARS = 200
/** `?ticket=` of a route that takes one in the place of a token. */
export const ticketInput = z.string().max(MOST_TICKET_CHARS).optional()

interface RouteShape<A extends Access, P, Q> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: string
  access: A
  params?: P
  query?: Q
  /** How its errors are said, where a protocol of others has its own way. */
  errorForm?: ErrorForm
}

/**
 * Bytes of a body from somebody who has not signed in, and of one that the route does not read: enough for credentials, and little to
 * parse, hash and answer about.
 */
export const SMALL_BODY_BYTES = 4_096

/** What a handler is given: checked input, and the signed-in user where the route asks for one. */
export interface RouteInput<A extends Access, P, Q, B> {
  user: UserOf<A>
  params: Parsed<P>
  query: Parsed<Q>
  body: Parsed<B>
  headers: IncomingHttpHeaders
  ip: string
  /** Aborts when the client goes away. */
  signal: AbortSignal
}

/** An answer whose status depends on what happened; a plain view is answered with the route's `status`. */
export class Reply {
  readonly status: number
  readonly body: unknown
  readonly headers: Record<string, string>

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    this.status = status
    this.body = body
    this.headers = headers
  }
}

/** An answer that is written over time. */
export class StreamReply {
  readonly write: (response: Response) => Promise<void>

  constructor(write: (response: Response) => Promise<void>) {
    this.write = write
  }
}

/** A route as the app mounts it: input unchecked, `run` checks it. */
export interface Route {
  method: RouteShape<Access, unknown, unknown>['method']
  path: string
  access: Access
  /** True when the handler reads the request's body and writes the response by itself. */
  raw: boolean
  /** True where a ticket in the query stands for a token. */
  takesTicket: boolean
  /** The largest JSON body, where it is less than JSON_BODY_MAX_BYTES. */
  bodyMaxBytes: number | undefined
  errorForm?: ErrorForm
  run(request: Request, response: Response, user: AuthUser | undefined): Promise<void>
}

/**
 * A JSON route. Bodies, queries and parameters are checked before the handler runs; what it returns is the answer's body
 * (`undefined` answers 204).
 *
 * @example
 * defineRoute({ method: 'get', path: '/api/agents/:id', access: 'user', params: idParams,
 *   handler: ({ user, params }) => agents.get(user.id, params.id) })
 */
export function defineRoute<
  A extends Access,
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  route: RouteShape<A, P, Q> & {
    body?: B
    /** The largest body that is read; public routes and those without a `body` read SMALL_BODY_BYTES. */
    bodyMaxBytes?: number
    /** How much the body may hold, where that is more than usual. */
    bodyShape?: ShapeLimits
    status?: number
    handler: (input: RouteInput<A, P, Q, B>) => Promise<unknown>
  },
): Route {
  return {
    ...route,
    raw: false,
    takesTicket: false,
    bodyMaxBytes: route.bodyMaxBytes ?? (route.access === 'public' || !route.body ? SMALL_BODY_BYTES : undefined),
    async run(request, response, user) {
      const abort = new AbortController()
      response.on('close', () => abort.abort())
      const input = {
        ...checkedInput(route, request, user),
        body: parse(route.body, request.body ?? {}, 'body', route.bodyShape),
        headers: request.headers,
        ip: request.ip ?? '',
        signal: abort.signal,
      }
      const result = await route.handler(input as RouteInput<A, P, Q, B>)
      if (result instanceof StreamReply) await result.write(response)
      else if (result instanceof Reply) response.set(result.headers).status(result.status).json(result.body)
      else if (result === undefined) response.status(204).end()
      else response.status(route.status ?? 200).json(result)
    },
  }
}

/** A route that owns its request and response: uploads, downloads, event streams. */
export function defineStreamRoute<
  A extends Access,
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
>(
  route: RouteShape<A, P, Q> & {
    /** Its query has `ticketInput`. */
    takesTicket?: boolean
    handler: (
      input: Omit<RouteInput<A, P, Q, undefined>, 'body' | 'headers' | 'ip' | 'signal'> & {
        req: Request
        res: Response
      },
    ) => Promise<void>
  },
): Route {
  return {
    ...route,
    raw: true,
    takesTicket: route.takesTicket ?? false,
    bodyMaxBytes: undefined,
    run: (request, response, user) => {
      const input = { ...checkedInput(route, request, user), req: request, res: response }
      return route.handler(input as Parameters<typeof route.handler>[0])
    },
  }
}

function checkedInput(route: { params?: z.ZodType; query?: z.ZodType }, request: Request, user: AuthUser | undefined) {
  return {
    user,
    params: parse(route.params, request.params, 'params'),
    query: parse(route.query, request.query, 'query'),
  }
}

const parse = (
  schema: z.ZodType | undefined,
  value: unknown,
  where: 'params' | 'query' | 'body',
  limits?: ShapeLimits,
): unknown => schema && parseInput(schema, value, where, limits)
