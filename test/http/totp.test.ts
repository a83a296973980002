import { expect } from 'chai'
import { z } from 'zod'
import { codeOf, stepAt } from '../../src/identity/totp.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

const PASSWORD = 'correct horse battery'
const begun = z.strictObject({ secret: z.string().regex(/^[A-Z2-7]{32}$/), otpauthUrl: z.string() })
const confirmed = z.strictObject({ recoveryCodes: z.array(z.string()).length(10) })

/** What an app makes of the secret that it scanned. */
function bytesOf(secret: string): Buffer {
  const bits = [...secret].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  return Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}
const codeNow = (secret: string): string => codeOf(bytesOf(secret), stepAt(Date.now()))
/** Right at no time near this one. */
const wrongCode = (secret: string): string => {
  const near = [-2, -1, 0, 1, 2].map((off) => codeOf(bytesOf(secret), stepAt(Date.now()) + off))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !near.includes(code)) ?? '666666'
}

describe('The second factor', () => {
  const app = useApp({ worker: false, env: { LOGIN_ATTEMPTS: '5' } })
  const login = (email: string, totp?: string, password = PASSWORD) =>
    app.api.post('/api/auth/login', { email, password, ...(totp !== undefined && { totp }) })
  const begin = async (user: TestUser) => begun.parse((await user.post('/api/auth/totp', { password: PASSWORD })).body)
  const disable = (user: TestUser, body: object) => user.request('DELETE', '/api/auth/totp', body)
  /** A user with the factor on, whose next code may be any. */
  const protectedUser = async () => {
    const user = await app.api.register()
    const { secret } = await begin(user)
    const answer = await user.post('/api/auth/totp/confirm', { code: codeNow(secret) })
    const { recoveryCodes } = confirmed.parse(answer.body)
    await fresh(user)
    return { user, secret, recoveryCodes }
  }
  /** As if half a minute had passed since the last code. */
  const fresh = (user: TestUser) => app.container.db.query('UPDATE users SET totp_step = 0 WHERE id = $1', [user.id])

  it('is begun with the password, and on when a code of it was shown; until then nothing is asked for', async () => {
    const user = await app.api.register()
    const refused = await user.post('/api/auth/totp', { password: 'wrong wrong wrong' })
    expect([refused.status, errorOf(refused).code]).to.deep.equal([400, 'auth.wrong_password'])
    expect(errorOf(await user.post('/api/auth/totp/confirm', { code: '123456' })).code).to.equal('auth.totp_not_begun')
    const first = await begin(user)
    const { secret, otpauthUrl } = await begin(user)
    expect(secret).not.to.equal(first.secret)
    expect(otpauthUrl).to.include(`secret=${secret}`)
    expect((await login(user.email)).status).to.equal(200)
    const early = await user.post('/api/auth/totp/confirm', { code: wrongCode(secret) })
    expect([early.status, errorOf(early).code]).to.deep.equal([400, 'auth.totp_invalid'])
    expect((await user.get('/api/auth/me')).body).to.deep.include({ totpEnabled: false })
    const answer = await user.post('/api/auth/totp/confirm', { code: codeNow(secret) })
    expect(answer.status).to.equal(200)
    confirmed.parse(answer.body)
    expect((await user.get('/api/auth/me')).body).to.deep.include({ totpEnabled: true })
    for (const again of [
      await user.post('/api/auth/totp', { password: PASSWORD }),
      await user.post('/api/auth/totp/confirm', { code: codeNow(secret) }),
    ]) {
      expect([again.status, errorOf(again).code]).to.deep.equal([409, 'auth.totp_enabled'])
    }
  })

  it('is asked for behind the right password only, and takes a code once', async () => {
    const { user, secret } = await protectedUser()
    expect(errorOf(await login(user.email, undefined, 'wrong wrong wrong')).code).to.equal('auth.invalid_credentials')
    expect(errorOf(await login(user.email, codeNow(secret), 'wrong wrong wrong')).code).to.equal(
      'auth.invalid_credentials',
    )
    const asked = await login(user.email)
    expect([asked.status, errorOf(asked).code]).to.deep.equal([401, 'auth.totp_required'])
    const code = codeNow(secret)
    expect((await login(user.email, code)).status).to.equal(200)
    const replayed = await login(user.email, code)
    expect([replayed.status, errorOf(replayed).code]).to.deep.equal([401, 'auth.totp_invalid'])
    const [{ sessions }] = await app.container.db.query(
      'SELECT count(*)::int AS sessions FROM sessions WHERE user_id = $1',
      [user.id],
    )
    expect(sessions, 'none was begun and taken back').to.equal(2)
  })

  it('takes a code once also when it comes five times at the same moment, on whatever node', async () => {
    const { user, secret } = await protectedUser()
    const code = codeNow(secret)
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => login(user.email, code)))).map(
      ({ status }) => status,
    )
    expect(statuses.filter((status) => status === 200)).to.have.length(1)
  })

  it('has recovery codes, each for once, kept as hashes; the secret is sealed', async () => {
    const { user, secret, recoveryCodes } = await protectedUser()
    const [one = '', two = ''] = recoveryCodes
    expect((await login(user.email, one.toLowerCase())).status).to.equal(200)
    expect((await login(user.email, one)).status).to.equal(401)
    const both = await Promise.all([login(user.email, two), login(user.email, two)])
    expect(both.map(({ status }) => status).sort()).to.deep.equal([200, 401])
    const [row] = await app.container.db.query('SELECT * FROM users WHERE id = $1', [user.id])
    expect(row.recovery_hashes).to.have.length(8)
    const told = await app.container.db.query(
      'SELECT action FROM audit_entries WHERE target_id = $1 ORDER BY created_at',
      [user.id],
    )
    expect(told.map(({ action }: { action: string }) => action)).to.include.members([
      'totp.enabled',
      'totp.recovery_code_used',
      'login.factor_failed',
    ])
    const stored = JSON.stringify(row)
    for (const word of [secret, bytesOf(secret).toString('base64'), ...recoveryCodes])
      expect(stored).not.to.include(word)
  })

  it('is guessed a few times only, and asking which factor is wanted gives no tries back', async () => {
    const { user, secret } = await protectedUser()
    const codes: string[] = []
    for (let n = 0; n < 8; n++) {
      codes.push(errorOf(await login(user.email, wrongCode(secret))).code)
      codes.push(errorOf(await login(user.email)).code)
    }
    expect(codes.filter((code) => code === 'auth.totp_invalid')).to.have.length(5)
    expect(codes.at(-2)).to.equal('auth.too_many_attempts')
  })

  it('is turned off with the password or a code, and by nothing else', async () => {
    const { user, secret, recoveryCodes } = await protectedUser()
    const { user: other, secret: otherSecret } = await protectedUser()
    expect((await disable(user, {})).status).to.equal(400)
    expect((await disable(user, { password: PASSWORD, code: codeNow(secret) })).status).to.equal(400)
    expect(errorOf(await disable(user, { password: 'wrong wrong wrong' })).code).to.equal('auth.wrong_password')
    expect(errorOf(await disable(user, { code: codeNow(otherSecret) })).code).to.equal('auth.totp_invalid')
    expect((await disable(user, { password: PASSWORD })).status).to.equal(204)
    expect((await login(user.email)).status).to.equal(200)
    const off = await disable(user, { password: PASSWORD })
    expect([off.status, errorOf(off).code]).to.deep.equal([409, 'auth.totp_off'])
    expect((await disable(other, { code: codeNow(otherSecret) })).status).to.equal(204)
    // Codes of before are worth nothing when it is on again.
    const { secret: anew } = await begin(user)
    confirmed.parse((await user.post('/api/auth/totp/confirm', { code: codeNow(anew) })).body)
    await fresh(user)
    for (const old of [recoveryCodes[0], codeNow(secret)]) expect((await login(user.email, old)).status).to.equal(401)
    expect((await login(user.email, codeNow(anew))).status).to.equal(200)
  })

  it('whose secret no key opens any more still has its recovery codes', async () => {
    const { user, secret, recoveryCodes } = await protectedUser()
    await app.container.db.query(`UPDATE users SET totp_sealed = 'v1.lost.AAAA' WHERE id = $1`, [user.id])
    expect(errorOf(await login(user.email, codeNow(secret))).code).to.equal('auth.totp_unreadable')
    expect((await login(user.email, recoveryCodes[0])).status).to.equal(200)
    expect((await disable(user, { password: PASSWORD })).status).to.equal(204)
  })
})
