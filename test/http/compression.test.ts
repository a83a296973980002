import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { ADA } from '../architecture/route-table.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

describe('Answers', () => {
  const app = useApp({ env: { CORS_ORIGINS: 'https://app.example' } })
  let user: TestUser
  before(async () => {
    user = await app.api.register()
  })

  /** As the wire has it: `fetch` would unpack it. */
  const raw = async (path: string, headers: Record<string, string> = {}, only: 'head' | 'all' = 'all') => {
    const asked = request(app.url + path, { headers: { authorization: `Bearer ${user.token}`, ...headers } }).end()
    const [answer] = await once(asked, 'response')
    const given: IncomingHttpHeaders = answer.headers
    if (only === 'head') {
      answer.destroy()
      return { headers: given, body: Buffer.alloc(0) }
    }
    return { headers: given, body: await buffer(answer) }
  }
  const gzip = { 'accept-encoding': 'gzip' }

  it('are compressed for who takes that, and the same', async () => {
    for (const path of ['/api/providers', '/openapi.json', '/docs/assets/swagger-ui.css']) {
      const [packed, plain] = await Promise.all([raw(path, gzip), raw(path)])
      expect(packed.headers['content-encoding'], path).to.equal('gzip')
      expect(packed.headers.vary, path).to.match(/accept-encoding/i)
      expect(plain.headers['content-encoding'], path).to.equal(undefined)
      expect(gunzipSync(packed.body).equals(plain.body), path).to.equal(true)
      expect(packed.body.length, path).to.be.below(plain.body.length / 2)
    }
  })

  it('are left as they are when they are small, secret, a file, or come piece by piece', async () => {
    const fileId = await user.upload('a.json', 'application/json', `{"a":"${'x'.repeat(5_000)}"}`)
    const { conversationId, runId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await user.finished(runId)
    for (let n = 0; n < 4; n++) await user.create('/api/keys', { name: `Key ${n}`, scopes: ['read'] })
    for (const path of ['/api/credits/balance', '/api/keys', `/api/storage/files/${fileId}/download`]) {
      expect((await raw(path, gzip)).headers['content-encoding'], path).to.equal(undefined)
    }
    const events = await raw(`/api/chat/conversations/${conversationId}/events`, gzip, 'head')
    expect(events.headers['content-type']).to.match(/event-stream/)
    expect(events.headers['content-encoding']).to.equal(undefined)
  })

  it('show pages of other origins the headers that they need', async () => {
    const { headers } = await raw('/api/providers', { origin: 'https://app.example' })
    const shown = String(headers['access-control-expose-headers']).split(',')
    expect(shown).to.include.members([
      'x-request-id',
      'retry-after',
      'ratelimit',
      'ratelimit-policy',
      'etag',
      'deprecation',
    ])
  })
})
