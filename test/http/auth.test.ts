import { expect } from 'chai'
import jwt from 'jsonwebtoken'
import { firstIdOf } from '../../src/shared/ids.ts'
import { errorOf } from '../support/api-client.ts'
import { testSettings, useApp } from '../support/app.ts'

const PASSWORD = 'correct horse battery'
let serial = 0
const address = (name: string) => `${name}.${serial++}@example.com`

describe('Signing up and in', () => {
  const app = useApp({ worker: false })
  const login = (email: string, password = PASSWORD) => app.api.post('/api/auth/login', { email, password })
  const me = (token: string) => app.api.request('GET', '/api/auth/me', undefined, { authorization: `Bearer ${token}` })

  it('registers somebody, who is signed in at once, with the welcome credits and without a password in any answer', async () => {
    const email = address('ann')
    const answer = await app.api.post('/api/auth/register', { email, password: PASSWORD, name: 'Ann' })
    expect(answer.status).to.equal(201)
    expect(answer.body).to.have.all.keys('user', 'token', 'expiresAt')
    const { user, token, expiresAt } = Object(answer.body)
    expect(user).to.deep.include({ email, name: 'Ann', role: 'user' })
    expect(user).to.have.all.keys(
      'id',
      'email',
      'emailVerified',
      'name',
      'role',
      'guest',
      'totpEnabled',
      'createdAt',
      'updatedAt',
    )
    const days = (Date.parse(expiresAt) - Date.now()) / 86_400_000
    expect(days).to.be.within(6.9, 7)
    expect((await me(token)).body).to.deep.equal(user)
    expect(await app.container.ledgerService.balance(user.id)).to.deep.include({ available: 10_000_000_000n, held: 0n })
    expect(JSON.stringify(answer.body)).not.to.match(/argon2|password/i)
  })

  it('names somebody who gives no name after the e-mail address', async () => {
    const user = await app.api.register('zoe.miller@example.com')
    expect((await user.get('/api/auth/me')).body).to.deep.include({ name: 'zoe.miller' })
  })

  it('takes an e-mail address once, however it is written, even when two ask at the same time', async () => {
    const email = address('bob')
    const both = await Promise.all(
      [email, email.toUpperCase()].map((written) =>
        app.api.post('/api/auth/register', { email: written, password: PASSWORD }),
      ),
    )
    expect(both.map(({ status }) => status).sort()).to.deep.equal([201, 409])
    const again = await app.api.post('/api/auth/register', { email: email.replace('bob', 'BoB'), password: PASSWORD })
    expect(again.status).to.equal(409)
    expect(errorOf(again).code).to.equal('auth.email_taken')
    const signedIn = await login(email.toUpperCase())
    expect(signedIn.status).to.equal(200)
    const [{ users, accounts }] = await app.container.db.query(
      `SELECT (SELECT count(*)::int FROM users WHERE email_key = $1) AS users,
         (SELECT count(*)::int FROM accounts a LEFT JOIN users u ON u.id = a.user_id WHERE u.id IS NULL) AS accounts`,
      [email.toLowerCase()],
    )
    expect({ users, accounts }).to.deep.equal({ users: 1, accounts: 0 })
  })

  it('says which fields of a registration are wrong, all at once', async () => {
    const answer = await app.api.post('/api/auth/register', {
      email: 'no',
      password: 'short',
      name: ' ',
      role: 'admin',
    })
    expect(answer.status).to.equal(400)
    const { code, details } = errorOf(answer)
    expect(code).to.equal('request.invalid')
    expect(Object(details).issues.map(({ path }: { path: string }) => path)).to.have.members([
      'email',
      'password',
      'name',
      'role',
    ])
  })

  it('takes no password that is guessed first, at registration and at a change; who has one already may come in', async () => {
    const email = address('grace.hopper')
    for (const password of ['Password1234!', 'gracehopper1906', 'chatsparty2026']) {
      const answer = await app.api.post('/api/auth/register', { email, password })
      expect(answer.status, password).to.equal(400)
      const [issue] = Object(errorOf(answer).details).issues
      expect(issue.path, password).to.equal('password')
      expect(JSON.stringify(answer.body), password).not.to.include(password)
    }
    const { id } = await app.container.authService.createUser({ email, password: 'password1234' }, 'user')
    const user = await app.api.login(email, 'password1234')
    expect(user.id).to.equal(id)
    const change = (newPassword: string) =>
      user.put('/api/auth/profile', { currentPassword: 'password1234', newPassword })
    const refused = await change('qwertyuiop123')
    expect(Object(errorOf(refused).details).issues[0].path).to.equal('newPassword')
    expect((await change(PASSWORD)).status).to.equal(200)
  })

  it('answers a wrong password and an unknown address alike', async () => {
    const { email } = await app.api.register()
    const wrong = await login(email, 'not the password')
    const unknown = await login(address('nobody'), 'not the password')
    expect([wrong.status, unknown.status]).to.deep.equal([401, 401])
    expect(wrong.body).to.deep.equal(unknown.body)
    expect(errorOf(wrong).code).to.equal('auth.invalid_credentials')
  })

  it('refuses tokens that are missing, forged, expired, unsigned or of a session that never was', async () => {
    const user = await app.api.register()
    const payload = { sub: user.id, sid: String(Object(jwt.decode(user.token)).sid) }
    const now = Math.floor(Date.now() / 1000)
    const sign = (claims: object, secret: string = testSettings.JWT_SECRET, algorithm: jwt.Algorithm = 'HS256') =>
      jwt.sign(claims, secret, { algorithm })
    expect((await me(sign({ ...payload, exp: now + 60 }))).status).to.equal(200)
    const bad = {
      forged: sign({ ...payload, exp: now + 60 }, 'another-secret-of-enough-length-000'),
      expired: sign({ ...payload, exp: now - 1 }),
      unsigned: jwt.sign({ ...payload, exp: now + 60 }, '', { algorithm: 'none' }),
      'of another algorithm': sign({ ...payload, exp: now + 60 }, testSettings.JWT_SECRET, 'HS512'),
      'of no session': sign({ ...payload, sid: user.id, exp: now + 60 }),
      "of somebody else's session": sign({ ...payload, sub: payload.sid, exp: now + 60 }),
      'without a session': sign({ sub: user.id, exp: now + 60 }),
      garbage: 'abc',
    }
    for (const [what, token] of Object.entries(bad)) {
      const answer = await me(token)
      expect(answer.status, what).to.equal(401)
      expect(errorOf(answer).code, what).to.equal('auth.unauthorized')
      expect(answer.headers.get('www-authenticate'), what).to.equal('Bearer')
    }
    expect((await app.api.get('/api/auth/me')).status).to.equal(401)
    expect((await app.api.get(`/api/auth/me?token=${user.token}`)).status).to.equal(401)
  })

  it('answers everybody as themselves, also when many ask at the same moment', async () => {
    const users = await Promise.all(Array.from({ length: 4 }, () => app.api.register()))
    const asking = Array.from({ length: 10 }, () => users).flat()
    const answers = await Promise.all(asking.map((user) => user.get('/api/auth/me')))
    const ids = answers.map(({ body }) => Object(body).id)
    expect(ids).to.deep.equal(asking.map(({ id }) => id))
  })

  it('ends a session at once by signing out, and no other', async () => {
    const user = await app.api.register()
    const elsewhere = await app.api.login(user.email, PASSWORD)
    expect((await user.post('/api/auth/logout', undefined)).status).to.equal(204)
    expect((await user.get('/api/auth/me')).status).to.equal(401)
    expect((await elsewhere.get('/api/auth/me')).status).to.equal(200)
  })

  it('ends a session at its time even if a token says otherwise', async () => {
    const user = await app.api.register()
    await app.container.db.query(`UPDATE sessions SET expires_at = now() WHERE user_id = $1`, [user.id])
    expect((await user.get('/api/auth/me')).status).to.equal(401)
  })

  it('changes the password for those who know it; all other sessions end at once, this one stays', async () => {
    const user = await app.api.register()
    const others = await Promise.all([1, 2].map(() => app.api.login(user.email, PASSWORD)))
    const newPassword = 'another horse battery'
    const guess = await user.put('/api/auth/profile', { currentPassword: 'not the password', newPassword })
    expect(guess.status).to.equal(400)
    expect(Object(errorOf(guess).details).issues).to.deep.equal([{ path: 'currentPassword', message: 'is wrong' }])
    const without = await user.put('/api/auth/profile', { newPassword })
    expect(Object(errorOf(without).details).issues[0].path).to.equal('currentPassword')

    expect((await user.put('/api/auth/profile', { currentPassword: PASSWORD, newPassword })).status).to.equal(200)
    expect((await user.get('/api/auth/me')).status).to.equal(200)
    for (const other of others) expect((await other.get('/api/auth/me')).status).to.equal(401)
    expect((await login(user.email)).status).to.equal(401)
    expect((await login(user.email, newPassword)).status).to.equal(200)
  })

  it('lets nobody in with the old password while it is being changed', async () => {
    const user = await app.api.register()
    const { container } = app
    const [{ password_hash: old }] = await container.db.query('SELECT password_hash FROM users WHERE id = $1', [
      user.id,
    ])
    const change = user.put('/api/auth/profile', { currentPassword: PASSWORD, newPassword: 'another horse battery' })
    const { signInService } = container
    const signIn = async () => {
      const attempt = await signInService.attempt(user.email, undefined)
      await signInService.login(attempt, { email: user.email, password: PASSWORD }, async () => {}).catch(() => {})
    }
    const logins = Promise.all(Array.from({ length: 8 }, signIn))
    expect((await change).status).to.equal(200)
    await logins
    const [after] = await container.db.query(
      `SELECT password_hash <> $2 AS changed,
         (SELECT count(*)::int FROM sessions WHERE user_id = u.id AND revoked_at IS NULL) AS sessions
       FROM users u WHERE id = $1`,
      [user.id, old],
    )
    expect(after).to.deep.equal({ changed: true, sessions: 1 })
  })

  it('forgets sessions a month after they ended, and no others', async () => {
    const user = await app.api.register()
    const { db } = app.container
    const ages: Array<[expires: string, revoked: string | null]> = [
      ['-31 days', null],
      ['-29 days', null],
      ['1 day', '-31 days'],
      ['1 day', '-29 days'],
    ]
    for (const [n, [expires, revoked]] of ages.entries()) {
      await db.query(
        `INSERT INTO sessions (id, user_id, expires_at, revoked_at)
         VALUES ($4, $1, now() + $2::interval, now() + $3::interval)`,
        // They began 40 days ago.
        [user.id, expires, revoked, firstIdOf(new Date(Date.now() - 40 * 86_400_000 + n))],
      )
    }
    await app.container.retention.round()
    const left = await db.query('SELECT 1 FROM sessions WHERE user_id = $1', [user.id])
    expect(left).to.have.length(3)
    expect((await user.get('/api/auth/me')).status).to.equal(200)
  })

  it('changes name and e-mail address; the address only with the password, and not to one that is taken', async () => {
    const user = await app.api.register()
    const taken = await app.api.register()
    expect((await user.put('/api/auth/profile', { name: 'New Name' })).body).to.deep.include({ name: 'New Name' })
    expect((await user.put('/api/auth/profile', { email: address('new') })).status).to.equal(400)
    const conflict = await user.put('/api/auth/profile', {
      email: taken.email.toUpperCase(),
      currentPassword: PASSWORD,
    })
    expect(conflict.status).to.equal(409)
    const email = address('Moved')
    expect((await user.put('/api/auth/profile', { email, currentPassword: PASSWORD })).body).to.deep.include({ email })
    expect((await login(email.toLowerCase())).status).to.equal(200)
    expect((await login(user.email)).status).to.equal(401)
  })
})

describe('Guessing passwords', () => {
  const app = useApp({ worker: false, env: { LOGIN_ATTEMPTS: '3' } })
  const attempt = (email: string, password = 'wrong wrong wrong') =>
    app.api.post('/api/auth/login', { email, password })

  it('is stopped after a few failures, and the answer says when to come back', async () => {
    const { email } = await app.api.register()
    for (let i = 0; i < 3; i++) expect((await attempt(email)).status).to.equal(401)
    const stopped = await attempt(email)
    expect(stopped.status).to.equal(429)
    expect(errorOf(stopped).code).to.equal('auth.too_many_attempts')
    expect(Number(stopped.headers.get('retry-after'))).to.be.within(1, 15 * 60)
    // Also with the right password, and however the address is written: else guessing would go on.
    expect((await attempt(email.toUpperCase(), PASSWORD)).status).to.equal(429)
  })

  it('is stopped just as well when all guesses are made at once', async () => {
    const { email } = await app.api.register()
    const statuses = (await Promise.all(Array.from({ length: 12 }, () => attempt(email)))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).to.have.length(3)
    expect(statuses.filter((status) => status === 429)).to.have.length(9)
  })

  it('is stopped for whoever has a session too, and knowing the password forgives', async () => {
    const user = await app.api.register()
    const change = (currentPassword: string) =>
      user.put('/api/auth/profile', { currentPassword, newPassword: 'another horse battery' })
    const statuses = (await Promise.all(Array.from({ length: 6 }, () => change('wrong')))).map(({ status }) => status)
    expect(statuses.sort()).to.deep.equal([400, 400, 400, 429, 429, 429])
    expect((await change(PASSWORD)).status).to.equal(429)
    expect((await user.put('/api/auth/profile', { name: 'Still Me' })).status).to.equal(200)
    const other = await app.api.register()
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 2; i++) {
        expect((await other.put('/api/auth/profile', { currentPassword: 'wrong' })).status).to.equal(400)
      }
      expect((await other.put('/api/auth/profile', { currentPassword: PASSWORD })).status).to.equal(200)
    }
  })

  it('of one account does not lock another, and signing in forgives', async () => {
    const [user, other] = await Promise.all([app.api.register(), app.api.register()])
    for (let i = 0; i < 3; i++) await attempt(user.email)
    expect((await attempt(other.email, PASSWORD)).status).to.equal(200)
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 2; i++) expect((await attempt(other.email)).status).to.equal(401)
      expect((await attempt(other.email, PASSWORD)).status).to.equal(200)
    }
  })
})

describe('A flood of sign-ins', () => {
  const app = useApp({ worker: false, env: { LOGIN_ATTEMPTS: '1000', LOGIN_NETWORK_ATTEMPTS: '1000' } })
  const attempt = (body: object) => app.api.post('/api/auth/login', body)

  it('is answered at once with when to come again, but for those who fit into the line; others are served meanwhile', async () => {
    const user = await app.api.register()
    const flood = Array.from({ length: 100 }, (_, n) =>
      attempt({ email: n % 2 === 0 ? user.email : `nobody.${n}@example.com`, password: 'wrong wrong wrong' }),
    )
    const profile = await user.get('/api/auth/me')
    expect(profile.status).to.equal(200)
    const answers = await Promise.all(flood)
    const busy = answers.filter(({ status }) => status === 503)
    expect(busy.length).to.be.greaterThan(0)
    expect(
      answers.length - busy.length,
      'two that are hashed, sixteen that wait, and those that came later',
    ).to.be.at.least(18)
    for (const answer of busy) {
      expect(errorOf(answer).code).to.equal('auth.busy')
      expect(Number(answer.headers.get('retry-after'))).to.be.within(1, 10)
    }
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([401, 503]))
    expect((await attempt({ email: user.email, password: PASSWORD })).status).to.equal(200)
  })
})
