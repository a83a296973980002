import type { IncomingHttpHeaders } from 'node:http'
import type { Request, Response } from 'express'
import { z } from 'zod'
import type { AuthUser } from '../contract/auth-user.ts'
import type { NeededScope } from '../contract/key-scopes.ts'
import type { ErrorCode } from '../shared/error-words.ts'
import type { ShapeLimits } from '../shared/input-shape.ts'
import { entityTag, type IfMatch, ifMatchOf } from './entity-tag.ts'
import type { ErrorForm } from './error-handler.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import { parseInput } from './input.ts'
import type { RequestHeader } from './request-headers.ts'

/** Who may call a route: a required field, so that no route can forget it. */
export type Access = 'public' | 'user' | 'admin'
type UserOf<A extends Access> = A extends 'public' ? undefined : AuthUser
type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined

/** More than any ticket has. */
export const MOST_TICKET_CHARS = 200
/** `?ticket=` of a route that takes one in the place of a token. */
export const ticketInput = z.string().max(MOST_TICKET_CHARS).optional()

/** What an API key must be good for; `public`: nobody is asked who they are. */
export type Scope = NeededScope | 'public'

/** What is no JSON: the types that it may have, and what it is. */
export interface OtherContent {
  types: readonly string[]
  says: string
}
/** What comes with one status: JSON of this schema, other content, or nothing. */
export type AnswerShape = z.ZodType | OtherContent | null

/** An old way, which works until `sunset` at least. */
export interface Deprecation {
  since: Date
  sunset: Date
  /** What to use in its place, in a sentence. */
  instead: string
}

/** What clients are promised of a route, beside its input. All of it is checked in tests, and is what `/openapi.json` is made of. */
interface Promised<A extends Access> {
  /** One line, of what a caller gets. */
  summary: string
  scope: A extends 'public' ? 'public' : NeededScope
  /** Codes that it may answer beside those that any route may: `commonErrors`. */
  errors: readonly ErrorCode[]
  /** Headers of a request that mean something here. */
  headers?: readonly RequestHeader[]
  /** Whether guests may: `openToGuests`. */
  guests?: boolean
  /** It goes away: every answer says so, and the document. */
  deprecated?: Deprecation
}

interface RouteShape<A extends Access, P, Q> extends Promised<A> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: string
  access: A
  params?: P
  query?: Q
  /** How its errors are said, where a protocol of others has its own way. */
  errorForm?: ErrorForm
  /** What such an error is answered with. */
  errorView?: z.ZodType
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
  /** Of a route that names the header `Idempotency-Key`; of others undefined, whatever was sent. */
  idempotencyKey: string | undefined
  /** To be told what there is, under its lock, before it is changed: refuses what is not as the client saw it (`If-Match`). */
  ifMatch: IfMatch
  ip: string
  /** Aborts when the client goes away. */
  signal: AbortSignal
}

/** An answer whose status depends on what happened; a plain view is answered with the route's `status`. */
export class Reply<Body = unknown> {
  readonly status: number
  readonly body: Body
  readonly headers: Record<string, string>

  constructor(status: number, body: Body, headers: Record<string, string> = {}) {
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

/** A body is shown by one that is good. */
type Shown<B> = B extends z.ZodType ? { example: z.input<B> } : { example?: undefined }

type View<R> = R extends z.ZodType ? z.input<R> : never

/** Answers of statuses besides the route's own. */
type Others = Record<number, z.ZodType | null>
/** What a handler answers: nothing where nothing is promised. */
type Answer<R extends AnswerShape, O extends Others> = R extends z.ZodType
  ? Promise<
      | z.input<R>
      | Reply<z.input<R> | z.input<Extract<O[keyof O], z.ZodType>>>
      | StreamReply
      | (204 extends keyof O ? undefined : never)
    >
  : R extends OtherContent
    ? Promise<StreamReply | undefined>
    : Promise<void>

/** A route as the app mounts it: input unchecked, `run` checks it. */
export interface Route {
  method: RouteShape<Access, unknown, unknown>['method']
  path: string
  access: Access
  summary: string
  scope: Scope
  errors: readonly ErrorCode[]
  headers?: readonly RequestHeader[]
  guests?: boolean
  deprecated?: Deprecation
  params?: z.ZodType | undefined
  query?: z.ZodType | undefined
  body?: z.ZodType | undefined
  /** A body that is good. */
  example?: unknown
  streams?: string
  /** True where answers have an `ETag` for `If-Match`. */
  isTagged?: boolean
  /** Of a raw route, what its body may be, by type. */
  content?: Readonly<Record<string, z.ZodType>>
  /** By status, of answers that are no errors. */
  answers: Readonly<Record<number, AnswerShape>>
  /** True when the handler reads the request's body and writes the response by itself. */
  raw: boolean
  /** True where a ticket in the query stands for a token. */
  takesTicket: boolean
  /** The largest JSON body, where it is less than JSON_BODY_MAX_BYTES. */
  bodyMaxBytes: number | undefined
  errorForm?: ErrorForm
  errorView?: z.ZodType
  run(request: Request, response: Response, user: AuthUser | undefined): Promise<void>
}

/**
 * A JSON route. Bodies, queries and parameters are checked before the handler runs; what it returns is the answer's body, of the
 * schema `response`, with `status`. A route whose `response` is null answers 204, and one whose `response` is other content may.
 *
 * @example
 * defineRoute({ method: 'get', path: '/api/agents/:id', access: 'user', scope: 'read', params: idParams,
 *   summary: 'An agent', response: agentView, errors: ['agent.not_found'],
 *   handler: ({ user, params }) => agents.get(user.id, params.id) })
 */
export function defineRoute<
  A extends Access,
  R extends AnswerShape,
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
  O extends Others = Record<never, never>,
>(
  route: RouteShape<A, P, Q> &
    Shown<B> & {
      body?: B
      /** The largest body that is read; public routes and those without a `body` read SMALL_BODY_BYTES. */
      bodyMaxBytes?: number
      /** How much the body may hold, where that is more than usual. */
      bodyShape?: ShapeLimits
      response: R
      status?: number
      /** What else it may answer, by status, in a `Reply`. */
      others?: O
      /** Of the answer what somebody may change: it gets an `ETag` (`entityTag`). */
      state?: (view: View<R>) => unknown
      /** What is written over time, where it may be asked for instead. */
      streams?: string
      handler: (input: RouteInput<A, P, Q, B>) => Answer<R, O>
    },
): Route {
  const none: Route['answers'] = isOther(route.response) ? { 204: null } : {}
  const status = route.response ? (route.status ?? 200) : 204
  return {
    ...route,
    answers: { ...route.others, ...none, [status]: route.response },
    isTagged: route.state !== undefined,
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
        idempotencyKey: route.headers?.includes('Idempotency-Key')
          ? idempotencyKeyOf(request.headers['idempotency-key'])
          : undefined,
        ifMatch: ifMatchOf(request.headers['if-match']),
        ip: request.ip ?? '',
        signal: abort.signal,
      }
      const result: unknown = await route.handler(input as RouteInput<A, P, Q, B>)
      if (route.state) response.set('etag', entityTag(route.state(result as View<R>), result))
      if (result instanceof StreamReply) await result.write(response)
      else if (status === 204 || result === undefined) response.status(204).end()
      else if (result instanceof Reply) response.set(result.headers).status(result.status).json(result.body)
      else response.status(status).json(result)
    },
  }
}

export const isOther = (shape: AnswerShape): shape is OtherContent => shape !== null && 'types' in shape

/** A route that owns its request and response: uploads, downloads, event streams. */
export function defineStreamRoute<
  A extends Access,
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
>(
  route: RouteShape<A, P, Q> & {
    /** Its query has `ticketInput`. */
    takesTicket?: boolean
    answers: Route['answers']
    content?: Route['content']
    handler: (
      input: Omit<
        RouteInput<A, P, Q, undefined>,
        'body' | 'headers' | 'idempotencyKey' | 'ifMatch' | 'ip' | 'signal'
      > & {
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
