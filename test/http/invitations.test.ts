import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'

const PASSWORD = 'correct horse battery'

describe('Invitations, where only who is invited is given credits', () => {
  const app = useApp({ worker: false, env: { SIGNUP_GRANT_FOR: 'invited' } })
  let admin: TestUser
  before(async () => {
    admin = await app.api.login(ADMIN.email, ADMIN.password)
  })
  const invite = async (body: object = {}) => {
    const answer = await admin.post('/api/invitations', body)
    expect(answer.status).to.equal(201)
    const { id, code } = Object(answer.body)
    return { id: String(id), code: String(code) }
  }
  const register = (invitationCode?: string, email = `${randomUUID()}@example.com`) =>
    app.api.post('/api/auth/register', { email, password: PASSWORD, invitationCode })
  const grantedBy = async (code?: string, email = `${randomUUID()}@example.com`) => {
    const answer = await register(code, email)
    expect(answer.status).to.equal(201)
    const user = await app.api.login(email, PASSWORD)
    return Object((await user.get('/api/credits/balance')).body).granted
  }
  const expectInvalid = async (code: string, email?: string) => {
    const answer = await register(code, email)
    expect(answer.status).to.equal(400)
    expect(Object(errorOf(answer).details).issues).to.deep.equal([
      { path: 'invitationCode', message: 'is not valid, or not any more' },
    ])
  }

  it('bring credits to whoever registers with one; without, an account has none until an administrator gives them', async () => {
    expect(await grantedBy()).to.equal('0.000000')
    expect(await grantedBy((await invite()).code)).to.equal('10000.000000')
    expect(await grantedBy((await invite({ grant: '12.5' })).code)).to.equal('12.500000')
    expect(await grantedBy((await invite({ grant: '0' })).code)).to.equal('0.000000')
    const { code } = await invite()
    expect(await grantedBy(code.toLowerCase().replaceAll('-', ' '))).to.equal('10000.000000')
  })

  it('do not bring them a second time to the same address', async () => {
    const email = `${randomUUID()}@example.com`
    expect(await grantedBy((await invite()).code, email)).to.equal('10000.000000')
    const user = await app.api.login(email, PASSWORD)
    await user.delete(`/api/users/${user.id}`)
    expect(await grantedBy((await invite()).code, email)).to.equal('0.000000')
  })

  it('are used as often as they say, also when many come at the same moment, and not by a registration that fails', async () => {
    const { id, code } = await invite({ uses: 3 })
    const taken = (await app.api.register()).email
    expect((await register(code, taken)).status).to.equal(409)
    const answers = await Promise.all(Array.from({ length: 8 }, () => register(code)))
    expect(answers.filter(({ status }) => status === 201)).to.have.length(3)
    expect(answers.filter(({ status }) => status === 400)).to.have.length(5)
    const { data } = Object((await admin.get('/api/invitations?limit=100')).body)
    expect(data.find((one: { id: string }) => one.id === id)).to.deep.include({ uses: 3, used: 3 })
  })

  it('may be for one address, end, and be revoked; why one is not valid, nobody is told', async () => {
    const email = `${randomUUID()}@example.com`
    const personal = await invite({ email })
    await expectInvalid(personal.code)
    expect(await grantedBy(personal.code, email.toUpperCase())).to.equal('10000.000000')
    await expectInvalid(personal.code)
    const late = await invite({ expiresAt: new Date(Date.now() + 60_000).toISOString() })
    await app.container.db.query('UPDATE invitations SET expires_at = now() WHERE id = $1', [late.id])
    await expectInvalid(late.code)
    const revoked = await invite({ uses: 5 })
    expect(await grantedBy(revoked.code)).to.equal('10000.000000')
    expect((await admin.delete(`/api/invitations/${revoked.id}`)).status).to.equal(204)
    expect((await admin.delete(`/api/invitations/${revoked.id}`)).status, 'again').to.equal(204)
    await expectInvalid(revoked.code)
    await expectInvalid('AAAAA-AAAAA-AAAAA-AAAAA-AAAAA')
    expect((await admin.delete(`/api/invitations/${randomUUID()}`)).status).to.equal(404)
  })

  it('show their code once; what is kept is a hash, and who did what is in the audit log', async () => {
    const { id, code } = await invite({ uses: 2 })
    const { data } = Object((await admin.get('/api/invitations')).body)
    expect(data[0]).to.have.all.keys('id', 'grant', 'uses', 'used', 'email', 'expiresAt', 'revokedAt', 'createdAt')
    await register(code)
    const rows = await app.container.db.query('SELECT i::text AS row FROM invitations i')
    const written = JSON.stringify([data, rows])
    expect(written).to.include(id).and.not.include(code).and.not.include(code.replaceAll('-', ''))
    await admin.delete(`/api/invitations/${id}`)
    const log = Object((await admin.get(`/api/admin/audit?targetId=${id}`)).body).data
    expect(log.map(({ action }: { action: string }) => action)).to.deep.equal([
      'invitation.revoked',
      'invitation.used',
      'invitation.created',
    ])
  })

  it('are refused when they say nonsense', async () => {
    const bad = [
      { uses: 0 },
      { uses: 1.5 },
      { grant: 5 },
      { grant: '-1' },
      { grant: '1000000.1' },
      { email: 'no' },
      { expiresAt: '2020-01-01T00:00:00Z' },
      { code: 'MINE' },
    ]
    for (const body of bad) {
      expect((await admin.post('/api/invitations', body)).status, JSON.stringify(body)).to.equal(400)
    }
  })
})
