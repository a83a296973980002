import { fileURLToPath } from 'node:url'
import type { Express, Response } from 'express'
import { asyncApiDocument } from './asyncapi.ts'
import { compressed } from './compressed.ts'
import { openApiDocument } from './openapi.ts'
import type { Route } from './route.ts'

/** What the page of the reference is made of: files of the package `swagger-ui-dist`, and what starts it. */
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js']

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Chatsparty: the API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<div id="reference"></div>
<noscript><p>The reference needs scripts. All of it is in <a href="/openapi.json">/openapi.json</a> too.</p></noscript>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</html>
`
/** Nothing is asked of other servers: no validator, no fonts. */
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: null })\n`

/** Its own scripts and styles, and calls of this server; it styles elements by hand and draws with data images. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * `GET /openapi.json`, `GET /asyncapi.json` and `GET /docs`, the page that shows the first: public, as what they say is known from
 * the code. They are made when somebody asks, once.
 */
export function referenceRoutes(app: Express, routes: readonly Route[], version: string): void {
  const openApi = once(() => JSON.stringify(openApiDocument(routes, { version })))
  const asyncApi = once(() => JSON.stringify(asyncApiDocument({ version })))
  app.use(['/openapi.json', '/asyncapi.json', '/docs'], compressed)
  app.get('/openapi.json', (_request, response) => void kept(response).type('json').send(openApi()))
  app.get('/asyncapi.json', (_request, response) => void kept(response).type('json').send(asyncApi()))
  app.get('/docs', (_request, response) => {
    kept(response).set('content-security-policy', POLICY).type('html').send(PAGE)
  })
  app.use('/docs/assets', (request, response, next) => {
    const [name] = ASSETS.filter((one) => request.path === `/${one}`)
    if (request.path === '/start.js') kept(response).type('js').send(START)
    else if (name) kept(response).sendFile(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`)))
    else next()
  })
}

/** Asked for again each time, and not sent again while it is the same (ETag). */
const kept = (response: Response): Response => response.set('cache-control', 'no-cache')

function once(make: () => string): () => string {
  let made: string | undefined
  return () => {
    made ??= make()
    return made
  }
}
