import type { RequestHandler } from 'express'
import { shortened } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { foreignIds } from './trace-context.ts'

/** One line a request, with ids and the route's path; never query strings, bodies or headers, which may hold words or keys. */
export const requestLog =
  (logger: Logger): RequestHandler =>
  (request, response, next) => {
    const startedAt = performance.now()
    response.on('close', () => {
      logger.info(
        {
          requestId: response.locals.requestId,
          ...foreignIds(request),
          userId: response.locals.user?.id,
          method: request.method,
          path: shortened(request.path),
          status: response.statusCode,
          aborted: response.writableFinished ? undefined : true,
          ms: Math.round(performance.now() - startedAt),
        },
        'request',
      )
    })
    next()
  }
