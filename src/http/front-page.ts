import type { Express } from 'express'

const WHAT = 'The backend for conversations among several AI agents.'

/** No script and nothing from elsewhere: it is for somebody who opened the address to see whether it works. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Chatsparty</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>Chatsparty runs.</h1>
<p>${WHAT} It has no pages: programs talk to it, as JSON below <code>/api</code> and live over Socket.IO or server-sent events.</p>
<p>To see a party, run this where it is installed: <code>npm run demo -- "Should a startup use microservices?"</code></p>
<p><a href="/docs">All routes</a>; as <a href="/openapi.json">OpenAPI</a>, and what happens live as <a href="/asyncapi.json">AsyncAPI</a>.
The README has a walk by curl and the typed client. <a href="/readyz">Is it ready?</a></p>
</html>
`

/** `GET /` says what this is: to a browser as a page, to everything else as JSON. */
export function frontPage(app: Express): void {
  app.get('/', (_request, response) => {
    const json = () =>
      response.json({
        name: 'Chatsparty',
        description: WHAT,
        api: '/api',
        openapi: '/openapi.json',
        asyncapi: '/asyncapi.json',
        docs: '/docs',
        health: '/healthz',
        ready: '/readyz',
      })
    response.format({ json, html: () => response.send(PAGE), default: json })
  })
}
