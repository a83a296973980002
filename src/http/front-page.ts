import type { Express } from 'express'
import { type ConsoleAssets, sendConsole } from './console-pages.ts'

const WHAT = 'The backend for conversations among several AI agents.'

/** In the place of the console, where it was not built: what there is nevertheless. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Chatsparty</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>Chatsparty runs.</h1>
<p>${WHAT} Its console is not built here: <code>npm run build:console</code> makes it (it takes what <code>npm ci</code> installs, development packages too), and then it is
at this address. Programs talk to it as JSON below <code>/api</code>, and live over Socket.IO or server-sent events.</p>
<p>To see a party, run this where it is installed: <code>npm run demo -- "Should a startup use microservices?"</code></p>
<p><a href="/docs">All routes</a>; as <a href="/openapi.json">OpenAPI</a>, and what happens live as <a href="/asyncapi.json">AsyncAPI</a>.
The README has a walk by curl and the typed client. <a href="/readyz">Is it ready?</a></p>
</html>
`

/** `GET /`: the console to a browser, and what this is as JSON to everything else. */
export function frontPage(app: Express, assets: ConsoleAssets | undefined): void {
  app.get('/', (request, response) => {
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
    const html = () => {
      if (!assets || !sendConsole(assets, request, response)) response.send(PAGE)
    }
    response.format({ json, html, default: json })
  })
}
