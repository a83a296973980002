import { createHash, timingSafeEqual } from 'node:crypto'
import type { Express } from 'express'

/** What `/metrics` answers. */
export interface MetricsAnswer {
  status: number
  contentType: string
  body: string
}

/** Answers whoever may ask: with a token set, only those who bring it. */
export type MetricsPage = (authorization: string | undefined) => Promise<MetricsAnswer>

interface PageOptions {
  /** METRICS_TOKEN; without one everybody who reaches the port may read. */
  token: string | undefined
  text: () => Promise<string>
  contentType: string
}

const digest = (text: string) => createHash('sha256').update(text).digest()

export const metricsPage =
  ({ token, text, contentType }: PageOptions): MetricsPage =>
  async (authorization = '') => {
    if (token && !timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))) {
      return { status: 401, contentType: 'text/plain', body: 'Authorization: Bearer METRICS_TOKEN\n' }
    }
    return { status: 200, contentType, body: await text() }
  }

/** `GET /metrics` beside the API, for those who bring the token. */
export function metricsRoute(app: Express, page: MetricsPage): void {
  app.get('/metrics', async (request, response) => {
    const { status, contentType, body } = await page(request.get('authorization'))
    response.status(status).set('content-type', contentType).send(body)
  })
}
