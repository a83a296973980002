import type { RequestListener } from 'node:http'
import type { Express } from 'express'
import { AppError } from '../shared/errors.ts'

/** Answers the pages for a ticket, at a path; undefined for one that is not good. */
export type OpenBoard = (ticket: string, basePath: string) => Promise<RequestListener | undefined>

/**
 * `/admin/queues/TICKET/`: pages to look at. There are no cookies, so that no other site can have a browser do anything; and
 * nothing but reading is let through. The log has no ticket: what stands before the pages' own paths is taken away from them.
 */
export function queuePages(app: Express, open: OpenBoard): void {
  app.use('/admin/queues/:ticket', async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new AppError('auth.forbidden/admin')
    const { ticket } = request.params
    const pages = await open(ticket, `/admin/queues/${ticket}`)
    if (!pages) throw new AppError('auth.unauthorized')
    response.set('cache-control', 'no-store')
    pages(request, response)
  })
}
