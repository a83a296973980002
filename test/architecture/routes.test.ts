import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import express from 'express'
import { errorOf } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

/** Every route that the API may have, and who may call it. */
const PUBLIC = [
  'POST /api/auth/register',
  'POST /api/auth/login',
  'POST /api/auth/verify-email',
  'POST /api/auth/password/forgot',
  'POST /api/auth/password/reset',
]
const ADMIN = [
  'POST /api/users/:id/suspend',
  'POST /api/users/:id/unsuspend',
  'GET /api/admin/audit',
  'GET /api/admin/breakers',
  'GET /api/users',
  'GET /api/invitations',
  'POST /api/invitations',
  'DELETE /api/invitations/:id',
  'POST /api/credits/add',
  'GET /api/credits/losses',
  'POST /api/credits/models',
  'PUT /api/credits/models/:id',
]
const USER = [
  'POST /api/auth/logout',
  'POST /api/auth/verify-email/resend',
  'GET /api/auth/me',
  'POST /api/auth/totp',
  'POST /api/auth/totp/confirm',
  'DELETE /api/auth/totp',
  'GET /api/auth/sessions',
  'DELETE /api/auth/sessions',
  'DELETE /api/auth/sessions/:id',
  'PUT /api/auth/profile',
  'GET /api/users/:id',
  'PUT /api/users/:id',
  'DELETE /api/users/:id',
  'GET /api/connections',
  'POST /api/connections',
  'GET /api/connections/:id',
  'PUT /api/connections/:id',
  'DELETE /api/connections/:id',
  'POST /api/connections/:id/test',
  'GET /api/providers',
  'GET /api/agents',
  'POST /api/agents',
  'GET /api/agents/:id',
  'PUT /api/agents/:id',
  'DELETE /api/agents/:id',
  'POST /api/chat',
  'POST /api/chat/multi-agent',
  'GET /api/chat/runs/:id',
  'POST /api/chat/runs/:id/cancel',
  'GET /api/chat/runs/:id/events',
  'GET /api/chat/conversations',
  'GET /api/chat/conversations/:id',
  'PATCH /api/chat/conversations/:id',
  'DELETE /api/chat/conversations/:id',
  'GET /api/chat/conversations/:id/events',
  'POST /api/chat/messages/:id/regenerate',
  'GET /api/credits/balance',
  'GET /api/credits/transactions',
  'GET /api/credits/usage',
  'POST /api/credits/estimate',
  'GET /api/credits/models',
  'GET /api/storage/usage',
  'GET /api/storage/files',
  'GET /api/storage/files/:id',
  'DELETE /api/storage/files/:id',
  'GET /api/storage/files/:id/download',
  'POST /api/storage/files/batch-delete',
  'POST /api/storage/files/:id/process',
  'POST /api/storage/upload',
  'POST /api/storage/uploads',
  'PUT /api/storage/uploads/:id/content',
  'POST /api/storage/uploads/:id/complete',
]
/** Without a token, and not of the API. */
const OPEN = ['GET /', 'GET /healthz', 'GET /readyz']

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
    return app.api.request(method, path.replace(':id', randomUUID()), method === 'GET' ? undefined : {}, headers)
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
        expect(errorOf(answer).code, route).to.equal('auth.unauthorized')
      }
    }
    for (const route of PUBLIC) expect((await call(route, {})).status, route).to.equal(400)
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
      // A body that says nothing may be a mistake of its own.
      const allowed = route.startsWith('PATCH') ? [400, 404] : [404]
      expect(allowed, route).to.include(answer.status)
    }
  })
})
