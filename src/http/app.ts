import { randomUUID } from 'node:crypto'
import cors from 'cors'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import type { AuthUser } from '../contract/auth-user.ts'
import { AppError, shortened } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { withOrigin } from '../shared/request-origin.ts'
import { noTracing, type TraceSpan, type Tracing } from '../shared/tracing.ts'
import { VERSION } from '../shared/version.ts'
import { checkAnswers } from './answer-check.ts'
import type { Authenticate } from './authenticate.ts'
import { compressed } from './compressed.ts'
import { type ConsoleAssets, consolePages } from './console-pages.ts'
import { type ErrorForm, type Explain, errorHandler } from './error-handler.ts'
import { frontPage } from './front-page.ts'
import { type Health, healthRoutes } from './health.ts'
import { type MetricsPage, metricsRoute } from './metrics-page.ts'
import { originOf } from './origin.ts'
import { type OpenBoard, queuePages } from './queue-pages.ts'
import type { RateLimiter } from './rate-limit.ts'
import { referenceRoutes } from './reference.ts'
import { type Answered, requestLog } from './request-log.ts'
import { type Deprecation, MOST_TICKET_CHARS, type Route } from './route.ts'
import { hasBody, ownBody } from './server-limits.ts'
import { requireUtf8Address, verifyJson } from './valid-utf8.ts'

/** Who holds a ticket for this path; undefined for one that is not good. */
export type OpenTicket = (ticket: string, path: string) => Promise<AuthUser | undefined>

/** What the HTTP app is made of. `corsOrigins` are the only origins whose pages may call; none means same origin only. */
export interface AppOptions {
  routes: Route[]
  authenticate: Authenticate
  limiter: RateLimiter
  health: Health
  /** The page for people, if it was built. */
  console?: ConsoleAssets
  /** For `/metrics`, where that is served beside the API. */
  metrics?: MetricsPage | undefined
  /** Told of every request that was answered. */
  onAnswered?: Answered
  tracing?: Tracing
  /** For `/admin/queues/TICKET/`. */
  openBoard?: OpenBoard
  /** For routes that take tickets. */
  openTicket?: OpenTicket
  /** Whether this process is about to end: then answers close their connections. */
  isDraining?: () => boolean
  /** Looks for balancers that nobody told of. */
  watchProxies?: RequestHandler | undefined
  /** For tests: told of answers that are not what their routes promise; these are errors then. */
  onUnpromised?: ((why: string) => void) | undefined
  /** Names trouble that is no AppError. */
  explain?: Explain
  corsOrigins: string[]
  trustProxy: number
  jsonBodyMaxBytes: number
  logger: Logger
}

/** Headers of answers that pages of other origins may read. */
const EXPOSED_HEADERS = [
  'x-request-id',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'deprecation',
  'sunset',
].concat(
  ['etag', 'preference-applied', 'x-conversation-id', 'x-run-id', 'x-vercel-ai-ui-message-stream'],
  ['content-disposition', 'content-range', 'accept-ranges'],
)

/** The Express app: one chain for every route - id, log, limits, access, input, handler - and one error format. */
export function createApp(options: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', options.trustProxy)
  app.set('query parser', 'simple')
  app.use((_request, response, next) => {
    response.locals.requestId = randomUUID()
    response.set('x-request-id', response.locals.requestId)
    if (options.isDraining?.()) response.set('connection', 'close')
    next()
  })
  const { tracing = noTracing } = options
  app.use(requestLog(options.logger, options.onAnswered))
  app.use(helmet())
  app.use(
    cors({
      origin: options.corsOrigins,
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: 600,
    }),
  )
  // What the API answers is somebody's: a token, a message. Downloads and streams say for themselves what may be kept.
  app.use(['/api', '/v1'], (_request, response, next) => {
    response.set('cache-control', 'no-store')
    next()
  })
  // What a link shows is for whoever was given it: it is looked for by nobody.
  app.use(['/api/shared', '/s'], (_request, response, next) => {
    response.set('x-robots-tag', 'noindex, nofollow')
    next()
  })
  healthRoutes(app, options.health)
  for (const [root, form] of errorForms(options.routes)) {
    app.use(root, (_request, response, next) => {
      response.locals.errorForm = form
      next()
    })
  }
  if (options.watchProxies) app.use(options.watchProxies)
  app.use(options.limiter.perAddress)
  app.use(requireUtf8Address)
  if (options.openBoard) queuePages(app, options.openBoard)
  if (options.metrics) metricsRoute(app, options.metrics)
  frontPage(app, options.console)
  if (options.console) consolePages(app, options.console)
  referenceRoutes(app, options.routes, VERSION)

  const { jsonBodyMaxBytes: most, onUnpromised } = options
  const json = (bytes = most) => {
    const limit = Math.min(bytes, most)
    return [requireJson(limit), express.json({ limit, verify: verifyJson })]
  }
  for (const route of options.routes) {
    app[route.method](
      route.path,
      ...(onUnpromised ? [checkAnswers(route, onUnpromised)] : []),
      async (request, response, next) => {
        if (route.deprecated) response.set(deprecationHeaders(route.deprecated))
        response.locals.span = traced(tracing, route, request, response)
        response.locals.user =
          (await ticketHolder(options, route, request)) ?? (await options.authenticate(request, response, route))
        if (route.raw) ownBody(request)
        next()
      },
      ...(route.raw ? [] : [compressed, ...json(route.bodyMaxBytes)]),
      (request, response) =>
        withOrigin(originOf(request, response), () => route.run(request, response, response.locals.user)),
    )
  }
  app.use((request) => {
    throw new AppError('request.not_found', { words: { method: request.method, path: shortened(request.path) } })
  })
  app.use(errorHandler(options.logger, options.explain ?? (() => undefined)))
  return app
}

/** As RFC 9745 and RFC 8594 have them. */
const deprecationHeaders = ({ since, sunset }: Deprecation) => ({
  deprecation: `@${Math.floor(since.getTime() / 1_000)}`,
  sunset: sunset.toUTCString(),
})

/** The forms of errors, by the first part of the paths that have one: of what no route has seen yet, too. */
const errorForms = (routes: readonly Route[]): Map<string, ErrorForm> =>
  new Map(routes.flatMap(({ path, errorForm }) => (errorForm ? [[`/${path.split('/')[1]}`, errorForm]] : [])))

/**
 * A body of another type would be left unread, and taken for an empty one. One that announces too much is refused before it comes:
 * the parser would read all of it first.
 */
const requireJson =
  (limit: number): RequestHandler =>
  (request, _response, next) => {
    if (hasBody(request) && !request.is('application/json')) throw new AppError('request.unsupported_type')
    if (Number(request.headers['content-length'] ?? 0) > limit) throw new AppError('request.too_large')
    next()
  }

/** Who sends a ticket in the place of a token, which comes in a header; undefined where no ticket is sent, or none is taken. */
async function ticketHolder({ openTicket }: AppOptions, route: Route, request: Request): Promise<AuthUser | undefined> {
  const { ticket } = request.query
  if (!route.takesTicket || typeof ticket !== 'string' || request.headers.authorization) return undefined
  const holder = await openTicket?.(ticket.slice(0, MOST_TICKET_CHARS), request.path)
  if (!holder) throw new AppError('auth.unauthorized/ticket')
  return holder
}

/** The span of a request, which goes on with its client's trace; ended with its answer. */
function traced(tracing: Tracing, { method, path }: Route, request: Request, response: Response): TraceSpan {
  const span = tracing.begin(`${method.toUpperCase()} ${path}`, {
    kind: 'server',
    parent: request.get('traceparent'),
    attributes: {
      'http.request.method': method.toUpperCase(),
      'http.route': path,
      'chatsparty.request.id': String(response.locals.requestId),
    },
  })
  response.on('close', () => {
    const { statusCode: status, locals } = response
    span.set({ 'http.response.status_code': status, 'user.id': locals.user?.id })
    span.end(status >= 500 ? String(status) : undefined)
  })
  return span
}
