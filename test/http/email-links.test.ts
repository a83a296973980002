import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { linkKeyOf, signLink } from '../../src/identity/link-token.ts'
import { isRefusedForGood } from '../../src/mail/smtp-refusal.ts'
import { type SmtpTls, SmtpTransport } from '../../src/mail/smtp-transport.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, testSettings, useApp } from '../support/app.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { eventually } from '../support/pace.ts'

const PASSWORD = 'correct horse battery'
const NEW_PASSWORD = 'another horse battery'
const someAddress = () => `${randomUUID()}@example.com`
const mailSettings = (server: MailServer) => ({
  SMTP_URL: server.url,
  MAIL_FROM: 'party@chats.example',
  PUBLIC_URL: 'https://app.example/',
  MAIL_BACKOFF_MS: '50',
  MAIL_REQUESTS_PER_HOUR: '1000000',
})
const grantedTo = async (user: TestUser) => String(Object((await user.get('/api/credits/balance')).body).granted)
const isVerified = async (user: TestUser) => Object((await user.get('/api/auth/me')).body).emailVerified

describe('Mails of accounts', () => {
  let server: MailServer
  const app = useApp(async () => {
    server = await startMailServer()
    return { env: mailSettings(server) }
  })
  after(() => server.stop())
  const verify = (token: string) => app.api.post('/api/auth/verify-email', { token })
  const forgot = (email: string) => app.api.post('/api/auth/password/forgot', { email })
  const reset = (token: string, newPassword = NEW_PASSWORD) =>
    app.api.post('/api/auth/password/reset', { token, newPassword })
  const expectInvalid = async (answering: ReturnType<typeof verify>, why: string) => {
    const answer = await answering
    expect(answer.status, why).to.equal(400)
    expect(errorOf(answer).code, why).to.equal('auth.invalid_link')
  }
  const mailOf = async (user: TestUser, status: string) =>
    eventually(async () => {
      const [mail] = await app.container.db.query(
        'SELECT * FROM mails WHERE user_id = $1 AND status = $2 ORDER BY created_at DESC LIMIT 1',
        [user.id, status],
      )
      return mail
    })

  describe('of verification', () => {
    it('ask whoever registers; credits come with the proof, once', async () => {
      const user = await app.api.register()
      expect(await isVerified(user)).to.equal(false)
      expect(await grantedTo(user)).to.equal('0.000000')
      const mail = await server.to(user.email)
      expect(mail).to.deep.include({
        from: 'party@chats.example',
        subject: 'Confirm your e-mail address for Chatsparty',
      })
      expect(mail.text).to.match(/^https:\/\/app\.example\/verify-email#token=[\w-]{64}$/m)
      const token = await server.tokenFor(user.email, 'verify-email')
      const both = await Promise.all([verify(token), verify(token)])
      expect(both.map(({ status }) => status).sort()).to.deep.equal([200, 400])
      const answer = both.find(({ status }) => status === 200)
      expect(answer?.body).to.deep.equal({ email: user.email, emailVerified: true })
      expect(await isVerified(user)).to.equal(true)
      expect(await grantedTo(user)).to.equal('10000.000000')
      await expectInvalid(verify(token), 'used')
      expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
      const admin = await app.api.login(ADMIN.email, ADMIN.password)
      expect(await isVerified(admin)).to.equal(true)
      const log = Object((await admin.get(`/api/admin/audit?targetId=${user.id}`)).body).data
      expect(log.map(({ action }: { action: string }) => action)).to.include.members([
        'email.verified',
        'credits.granted',
      ])
    })

    it('bring what an invitation says, with the proof', async () => {
      const admin = await app.api.login(ADMIN.email, ADMIN.password)
      const { code } = Object((await admin.post('/api/invitations', { grant: '42' })).body)
      const email = someAddress()
      await app.api.post('/api/auth/register', { email, password: PASSWORD, invitationCode: code })
      const user = await app.api.login(email, PASSWORD)
      expect(await grantedTo(user)).to.equal('0.000000')
      await verify(await server.tokenFor(email, 'verify-email'))
      expect(await grantedTo(user)).to.equal('42.000000')
    })

    it('are only believed with a link of ours, for this, in time, for the address that is still theirs', async () => {
      const user = await app.api.register()
      const token = await server.tokenFor(user.email, 'verify-email')
      const [{ id }] = await app.container.db.query('SELECT id FROM email_links WHERE user_id = $1', [user.id])
      const key = linkKeyOf(testSettings.JWT_SECRET)
      expect(signLink(key, 'verify_email', id), 'this is how they are made').to.equal(token)
      await expectInvalid(verify(signLink(key, 'reset_password', id)), 'for something else')
      await expectInvalid(verify(signLink(linkKeyOf('another secret'), 'verify_email', id)), 'forged')
      await expectInvalid(verify(signLink(key, 'verify_email', randomUUID())), 'of no row')
      await expectInvalid(verify(''), 'empty')
      await expectInvalid(verify(id), 'the id alone')
      await expectInvalid(reset(token), 'a verification sets no password')
      await app.container.db.query('UPDATE email_links SET expires_at = now() WHERE id = $1', [id])
      await expectInvalid(verify(token), 'expired')
      await app.container.db.query(`UPDATE email_links SET expires_at = now() + interval '1 hour' WHERE id = $1`, [id])
      await user.put('/api/auth/profile', { email: someAddress(), currentPassword: PASSWORD })
      await expectInvalid(verify(token), 'of an address that is not theirs any more')
    })

    it('ask anew after a change of address, and tell the old one; credits are not given again', async () => {
      const user = await app.api.register()
      await verify(await server.tokenFor(user.email, 'verify-email'))
      const email = someAddress()
      const changed = await user.put('/api/auth/profile', { email, currentPassword: PASSWORD })
      expect(changed.body).to.deep.include({ email, emailVerified: false })
      await eventually(() => server.mails.find(({ to, subject }) => to === user.email && /was changed/.test(subject)))
      expect((await verify(await server.tokenFor(email, 'verify-email'))).status).to.equal(200)
      expect(await isVerified(user)).to.equal(true)
      expect(await grantedTo(user)).to.equal('10000.000000')
      const same = await user.put('/api/auth/profile', { email: email.toUpperCase(), currentPassword: PASSWORD })
      expect(same.body, 'another way to write it is no change').to.deep.include({ emailVerified: true })
    })

    it('are sent again on request, so many an hour, and not to who is verified', async () => {
      const user = await app.api.register()
      const again = () => user.post('/api/auth/verify-email/resend', undefined)
      const statuses: number[] = []
      for (let i = 0; i < 6; i++) statuses.push((await again()).status)
      expect(statuses, 'with the first one these are five').to.deep.equal([202, 202, 202, 202, 429, 429])
      expect(errorOf(await again()).code).to.equal('mail.rate_limited')
      await eventually(() => server.mails.filter(({ to }) => to === user.email).length === 5)
      await verify(await server.tokenFor(user.email, 'verify-email'))
      expect(errorOf(await again()).code).to.equal('auth.email_verified')
    })
  })

  describe('of forgotten passwords', () => {
    it('let whoever reads the mailbox choose a new one, once; all sessions end, and the address is proved', async () => {
      const user = await app.api.register()
      expect((await forgot(` ${user.email.toUpperCase()} `)).status).to.equal(202)
      const token = await server.tokenFor(user.email, 'reset-password')
      const weak = await reset(token, 'password1234')
      expect(Object(errorOf(weak).details).issues[0].path).to.equal('newPassword')
      expect((await reset(token)).status).to.equal(204)
      const [{ places }] = await app.container.db.query(
        'SELECT count(*)::int AS places FROM sessions WHERE user_id = $1 AND expires_at = created_at AND network IS NOT NULL',
        [user.id],
      )
      expect(places, 'where the link was opened').to.equal(1)
      expect((await user.get('/api/auth/me')).status).to.equal(401)
      await expectInvalid(reset(token), 'used')
      expect((await app.api.post('/api/auth/login', { email: user.email, password: PASSWORD })).status).to.equal(401)
      const back = await app.api.login(user.email, NEW_PASSWORD)
      expect(await isVerified(back)).to.equal(true)
      expect(await grantedTo(back)).to.equal('10000.000000')
    })

    it('are the same to ask for, whether there is such an account or not, in answer, rows and limits; one is sent', async () => {
      const user = await app.api.register()
      await server.to(user.email)
      const stranger = someAddress()
      const [known, unknown] = [await forgot(user.email), await forgot(stranger)]
      expect(unknown.status).to.equal(202)
      expect(unknown.body).to.deep.equal(known.body)
      await server.tokenFor(user.email, 'reset-password')
      const dropped = await eventually(async () => {
        const [mail] = await app.container.db.query(`SELECT * FROM mails WHERE address = $1`, [stranger])
        return mail?.status !== 'queued' && mail
      })
      expect(dropped).to.deep.include({ status: 'dropped', user_id: null })
      expect(server.mails.some(({ to }) => to === stranger)).to.equal(false)
      for (let i = 0; i < 10; i++) {
        expect((await forgot(stranger)).status).to.equal(202)
        expect((await forgot(user.email)).status).to.equal(202)
      }
      const written: Array<{ mails: number }> = await app.container.db.query(
        `SELECT count(*)::int AS mails FROM mails WHERE address = ANY($1) GROUP BY address ORDER BY mails`,
        [[stranger, user.email]],
      )
      expect(written, 'five for each').to.deep.equal([{ mails: 5 }, { mails: 5 }])
    })

    it('end with any other change of the password or the address', async () => {
      const user = await app.api.register()
      await forgot(user.email)
      const token = await server.tokenFor(user.email, 'reset-password')
      await user.put('/api/auth/profile', { currentPassword: PASSWORD, newPassword: NEW_PASSWORD })
      await expectInvalid(reset(token, 'a third horse battery'), 'the password is another one')
      await forgot(user.email)
      const [newer] = await eventually(async () => {
        const found = server.mails.filter(({ to, text }) => to === user.email && text.includes('reset-password'))
        return found.length === 2 && found.slice(1)
      })
      const second = /#token=([\w-]+)/.exec(newer?.text ?? '')?.[1] ?? ''
      await user.put('/api/auth/profile', { email: someAddress(), currentPassword: NEW_PASSWORD })
      await expectInvalid(reset(second, 'a third horse battery'), 'the address is another one')
    })
  })

  describe('on their way', () => {
    it('are tried again while the server refuses for now, with the same link and Message-ID, and end when it refuses for good', async () => {
      const email = someAddress()
      server.refuse(email, 2, 451)
      const user = await app.api.register(email)
      const mail = await server.to(user.email)
      const sent = await mailOf(user, 'sent')
      expect(sent.attempts).to.equal(3)
      expect(mail.messageId).to.equal(`<${sent.id}@chats.example>`)
      const bad = someAddress()
      server.refuse(bad, 1, 550)
      const refused = await app.api.register(bad)
      expect(await mailOf(refused, 'failed')).to.deep.include({ attempts: 1 })
      expect(server.mails.some(({ to }) => to === refused.email)).to.equal(false)
    })

    it('are sent though the queue has forgotten them, and end when they are too late', async () => {
      const user = await app.api.register()
      await server.to(user.email)
      const write = async (expires: string) => {
        const [{ id }] = await app.container.db.query(
          `INSERT INTO mails (id, kind, user_id, address, address_key, expires_at)
           VALUES (gen_random_uuid(), 'email_changed', $1, $2, $2, now() + $3::interval) RETURNING id`,
          [user.id, user.email, expires],
        )
        return id
      }
      const [lost, late] = [await write('1 hour'), await write('-1 second')]
      await eventually(async () => {
        const states = await app.container.db.query('SELECT status FROM mails WHERE id = ANY($1) ORDER BY status', [
          [lost, late],
        ])
        return states.map(({ status }: { status: string }) => status).join() === 'failed,sent'
      })
    })

    it('stand in the database without words, links or what would make one', async () => {
      const user = await app.api.register()
      await forgot(user.email)
      const tokens = [
        await server.tokenFor(user.email, 'verify-email'),
        await server.tokenFor(user.email, 'reset-password'),
      ]
      const kept = JSON.stringify([
        await app.container.db.query('SELECT * FROM mails'),
        await app.container.db.query('SELECT * FROM email_links'),
      ])
      for (const token of tokens) {
        expect(kept).not.to.include(token)
        expect(kept).not.to.include(Buffer.from(token, 'base64url').subarray(16).toString('hex'))
      }
    })
  })
})

describe('The connection to the mail server', () => {
  let plain: MailServer
  let protectable: MailServer
  before(async () => {
    ;[plain, protectable] = await Promise.all([startMailServer(), startMailServer({ startTls: true })])
  })
  after(() => Promise.all([plain.stop(), protectable.stop()]))
  const send = async (server: MailServer, tls: SmtpTls | undefined) => {
    const smtp = new SmtpTransport({ url: server.url, from: 'party@chats.example', tls })
    try {
      await smtp.send(randomUUID(), { to: 'ada@example.com', subject: 'Hello', text: 'Words.' })
      return 'sent'
    } catch (error) {
      expect(isRefusedForGood(error), 'may be mended').to.equal(false)
      return 'refused'
    } finally {
      smtp.close()
    }
  }

  it('is protected or is none, where that is required; a certificate that nobody vouches for protects nothing', async () => {
    expect(await send(plain, 'required')).to.equal('refused')
    expect(await send(protectable, 'required'), 'its certificate is its own').to.equal('refused')
    expect(await send(protectable, 'optional'), 'not even then is a wrong certificate taken').to.equal('refused')
    expect(await send(plain, 'optional')).to.equal('sent')
    expect(await send(protectable, 'none')).to.equal('sent')
    expect(await send(plain, undefined), 'to this machine itself').to.equal('sent')
    expect(plain.mails).to.have.length(2)
  })
})

describe('Without a mail server', () => {
  const app = useApp({ worker: false })

  it('who asks for a mail is told, and credits do not wait for one', async () => {
    const user = await app.api.register()
    expect(await grantedTo(user)).to.equal('10000.000000')
    for (const answer of [
      await user.post('/api/auth/verify-email/resend', undefined),
      await app.api.post('/api/auth/password/forgot', { email: user.email }),
    ]) {
      expect(answer.status).to.equal(409)
      expect(errorOf(answer).code).to.equal('mail.not_set_up')
    }
    expect(await app.container.db.query('SELECT 1 FROM mails')).to.deep.equal([])
  })
})
