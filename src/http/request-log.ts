import type { RequestHandler } from 'express'
import type { Logger } from '../shared/logger.ts'
import { loggedPath } from './logged-path.ts'
import { foreignIds } from './trace-context.ts'

/** The method, the route as it was written down (`none` where there is none) and the status of an answer. */
export type Answered = (answer: { method: string; route: string; status: number }) => void

/** One line a request, with ids and the route's path; never query strings, bodies or headers, which may hold words or keys. */
export const requestLog =
  (logger: Logger, onAnswered?: Answered): RequestHandler =>
  (request, response, next) => {
    const startedAt = performance.now()
    response.on('close', () => {
      onAnswered?.({
        method: request.method,
        route: String(request.route?.path ?? 'none'),
        status: response.statusCode,
      })
      logger.info(
        {
          requestId: response.locals.requestId,
          ...foreignIds(request),
          userId: response.locals.user?.id,
          method: request.method,
          path: loggedPath(request.path),
          status: response.statusCode,
          aborted: response.writableFinished ? undefined : true,
          ms: Math.round(performance.now() - startedAt),
        },
        'request',
      )
    })
    next()
  }
