import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import express from 'express'
import { errorOf, wireErrorOf } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { ROUTE_TABLE, routesFor } from './route-table.ts'

const OPEN = routesFor('open')
const PUBLIC = routesFor('public')
const USER = routesFor('user')
const ADMIN = routesFor('admin')

/** Methods of Express by which the app mounts routes. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

/** Notes every route that any app mounts between `start` and `stop`. */
function noteRoutes(): { routes: string[]; start: () => void; stop: () => void } {
  const routes: string[] = []
  const originals = METHODS.map((method) => ({ method, original: express.application[method] }))
  return {
    routes,
    start: () => {
      for (const { method, original } of originals) {
        express.application[method] = function (this: unknown, path: unknown, ...handlers: unknown[]) {
          if (handlers.length > 0) routes.push(`${method.toUpperCase()} ${path}`)
          return Reflect.apply(original, this, [path, ...handlers])
        }
      }
    },
    stop: () => {
      for (const { method, original } of originals) express.application[method] = original
    },
  }
}

describe('Routes', () => {
  const noted = noteRoutes()
  before(noted.start)
  const app = useApp({ worker: false })
  after(noted.stop)
  const mounted = () => [...new Set(noted.routes)]
  const call = (route: string, headers: Record<string, string>) => {
    const [method = '', path = ''] = route.split(' ')
    return app.api.request(
      method,
      path.replace(/:[a-zA-Z]+/g, () => randomUUID()),
      method === 'GET' ? undefined : {},
      headers,
    )
  }

  it('are those that are written down, each once', () => {
    const known = [...OPEN, ...PUBLIC, ...USER, ...ADMIN]
    expect(new Set(known).size).to.equal(known.length)
    expect(mounted().filter((route) => !known.includes(route))).to.deep.equal([])
    expect(known.filter((route) => !mounted().includes(route))).to.deep.equal([])
    expect(noted.routes.length, 'none is mounted twice').to.equal(mounted().length)
  })

  it('ask for a token, all but signing up and in; a bad one is none', async () => {
    const strangers: Array<Record<string, string>> = [
      {},
      { authorization: 'Bearer abc.def.ghi' },
      { authorization: `Basic ${btoa('a:b')}` },
    ]
    for (const route of mounted().filter((name) => !OPEN.includes(name) && !PUBLIC.includes(name))) {
      for (const headers of strangers) {
        const answer = await call(route, headers)
        expect(answer.status, route).to.equal(401)
        if (route.includes(' /v1/')) expect(wireErrorOf(answer).code, route).to.equal('invalid_api_key')
        else expect(errorOf(answer).code, route).to.equal('auth.unauthorized')
      }
    }
    for (const route of PUBLIC) expect((await call(route, {})).status, route).to.equal(ROUTE_TABLE[route]?.bare ?? 400)
  })

  it('of administrators are closed to users, before anything else is looked at', async () => {
    const { token } = await app.api.register()
    for (const route of ADMIN.filter((name) => mounted().includes(name))) {
      const answer = await call(route, { authorization: `Bearer ${token}` })
      expect(answer.status, route).to.equal(403)
    }
  })

  it('answer a user about what does not exist with 404, wherever the path has an id', async () => {
    const { token } = await app.api.register()
    for (const route of USER.filter((name) => name.includes(':id') && mounted().includes(name))) {
      const answer = await call(route, { authorization: `Bearer ${token}` })
      // A body that says nothing may be a mistake of its own; of a name that users give, nothing is kept yet.
      const { body, of, stranger = 404 } = ROUTE_TABLE[route] ?? {}
      // What is in the gallery, strangers may see.
      const missing = of === 'entry' ? 404 : stranger
      const allowed = body === undefined ? [missing] : [400, missing]
      expect(allowed, route).to.include(answer.status)
    }
  })
})
