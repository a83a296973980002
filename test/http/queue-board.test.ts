import { expect } from 'chai'
import { boardKeyOf, readTicket, signTicket } from '../../src/queue/board-ticket.ts'
import { QUEUES as NAMES } from '../../src/queue/job.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { QUEUES, useRedis } from '../support/redis.ts'

for (const profile of QUEUES) {
  describe(`The board of the queues, on ${profile}`, () => {
    const redis = useRedis(profile)
    const app = useApp(async () => ({ worker: false, env: { ...redis.env } }))
    let admin: TestUser
    let board: string
    before(async () => {
      admin = await app.api.login(ADMIN.email, ADMIN.password)
      const answer = await admin.post('/api/admin/queues/ticket', {})
      expect(answer.status).to.equal(201)
      board = `${app.url}${Object(answer.body).path}`
    })

    it('is seen by an administrator: page, scripts and all queues, under the strict policy of contents', async () => {
      const page = await fetch(board)
      expect(page.status).to.equal(200)
      expect(page.headers.get('content-security-policy')).to.match(/script-src 'self'(;|$)/)
      expect(page.headers.get('set-cookie')).to.equal(null)
      const html = await page.text()
      const scripts = Array.from(html.matchAll(/<script[^>]*src="([^"]+)"/g), ([, src = '']) => src)
      expect(scripts).not.to.be.empty
      for (const src of scripts) expect((await fetch(`${board}${src}`)).status).to.equal(200)
      // No script stands in the page itself: what does is data.
      expect(html.match(/<script(?![^>]*src=)[^>]*>/g)).to.deep.equal([
        '<script id="__UI_CONFIG__" type="application/json">',
      ])
      const { queues } = Object(await (await fetch(`${board}api/queues`)).json())
      expect(queues.map(({ name }: { name: string }) => name)).to.include.members([...NAMES])
      expect(queues.every((queue: { readOnlyMode: boolean }) => queue.readOnlyMode)).to.equal(true)
    })

    it('changes nothing, whoever asks', async () => {
      for (const [method, path] of [
        ['PUT', 'api/queues/turns/pause'],
        ['PUT', 'api/queues/turns/obliterate'],
        ['POST', 'api/queues/turns/add'],
      ]) {
        const headers = { authorization: `Bearer ${admin.token}` }
        expect((await fetch(`${board}${path}`, { method, headers })).status, path).to.equal(403)
      }
    })

    it('is shut to everybody else: users, no ticket, another ticket, one that is over', async () => {
      const user = await app.api.register()
      expect(errorOf(await user.post('/api/admin/queues/ticket', {})).code).to.equal(
        'auth.forbidden/admin'.split('/')[0],
      )
      const key = boardKeyOf(app.container.secrets.jwtSecret)
      const later = new Date(Date.now() + 60_000)
      const tickets = [
        'x',
        signTicket(Buffer.alloc(32), admin.id, later),
        signTicket(key, admin.id, new Date(Date.now() - 1)),
        // Signed, and of somebody who is no administrator.
        signTicket(key, user.id, later),
      ]
      for (const ticket of tickets) {
        for (const path of ['', 'api/queues', 'static/favicon-32x32.png']) {
          const { status } = await fetch(`${app.url}/admin/queues/${ticket}/${path}`)
          expect(status, `${ticket} ${path}`).to.equal(401)
        }
      }
      expect((await fetch(`${app.url}/admin/queues`)).status).to.equal(404)
      expect(readTicket(key, signTicket(key, admin.id, later))).to.equal(admin.id)
    })

    it('is in the audit log', async () => {
      const { data } = Object((await admin.get('/api/admin/audit?action=queues.looked')).body)
      expect(data.map(({ actorId }: { actorId: string }) => actorId)).to.deep.equal([admin.id])
    })
  })
}
