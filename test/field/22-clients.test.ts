import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect } from 'chai'
import { EnvError, loadEnv } from '../../src/config/env.ts'
import { errorOf } from '../support/api-client.ts'
import { startApp, useApp } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'

const json = { 'content-type': 'application/json' }
/** Texts as bytes: a letter of Latin-1 is one byte, which is no UTF-8. */
const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe('Field 22: clients', () => {
  const app = useApp({ worker: false })

  const send = async (method: string, path: string, body: Buffer | string, headers: Record<string, string> = json) => {
    const answer = await fetch(app.url + path, { method, body: new Uint8Array(Buffer.from(body)), headers })
    const text = await answer.text()
    return { status: answer.status, body: text ? JSON.parse(text) : undefined, headers: answer.headers }
  }
  const notUtf8 = (answer: Awaited<ReturnType<typeof send>>) => {
    expect(answer.status).to.equal(400)
    expect(errorOf(answer)).to.deep.include({ code: 'request.invalid' })
    expect(errorOf(answer).message).to.match(/not valid UTF-8/)
  }

  describe('bytes that are no UTF-8 are a 400', () => {
    it('a password of byte E9 cannot be registered, so none of byte E8 opens it', async () => {
      const body = '{"email":"e9@example.com","password":"correct hors\u00e9 battery"}'
      notUtf8(await send('POST', '/api/auth/register', latin1(body)))
      const kept = await app.api.post('/api/auth/login', {
        email: 'e9@example.com',
        password: 'correct hors\ufffd battery',
      })
      expect(kept.status).to.equal(401)
      expect((await send('POST', '/api/auth/register', body)).status, 'the same in UTF-8').to.equal(201)
    })

    for (const [what, bytes] of [
      ['a byte alone', [0xff]],
      ['a cut letter', [0xe4, 0xbd]],
      ['an overlong letter', [0xc0, 0xaf]],
      ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ] as const) {
      it(`in a message: ${what}`, async () => {
        const user = await app.api.register()
        const body = Buffer.concat([
          Buffer.from('{"name":"Ad'),
          Buffer.from(bytes),
          Buffer.from('a","instructions":"x"}'),
        ])
        notUtf8(await send('POST', '/api/agents', body, { ...json, authorization: `Bearer ${user.token}` }))
      })
    }

    it('in a body that says to be UTF-16', async () => {
      const body = Buffer.from('{"email":"a@example.com","password":"x"}', 'utf16le')
      notUtf8(await send('POST', '/api/auth/login', body, { 'content-type': 'application/json; charset=utf-16' }))
    })

    it('a body with letters of all scripts, and the sign for a garbled one, is taken as it is', async () => {
      const user = await app.api.register()
      const name = 'Zoë 小红 \ufffd 🦊'
      const made = await user.post('/api/agents', { name, instructions: 'x' })
      expect(made.status).to.equal(201)
      expect(Object(made.body).name).to.equal(name)
    })

    it('in a query', async () => {
      const user = await app.api.register()
      const headers = { authorization: `Bearer ${user.token}` }
      for (const query of ['?cursor=%E9', '?%ff=1', '?limit=1&x=a%C3']) {
        const answer = await fetch(`${app.url}/api/agents${query}`, { headers })
        notUtf8({ status: answer.status, body: await answer.json(), headers: answer.headers })
      }
      expect((await fetch(`${app.url}/api/agents?limit=1`, { headers })).status).to.equal(200)
    })

    it("in a file's name and in fields beside it, and nothing is kept", async () => {
      const user = await app.api.register()
      const upload = (head: string) => {
        const body = Buffer.concat([latin1(`--b\r\n${head}\r\n\r\nwords`), latin1('\r\n--b--\r\n')])
        const headers = { 'content-type': 'multipart/form-data; boundary=b', authorization: `Bearer ${user.token}` }
        return send('POST', '/api/storage/upload', body, headers)
      }
      notUtf8(await upload('Content-Disposition: form-data; name="file"; filename="caf\u00e9.txt"'))
      const part = 'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nwords\r\n--b\r\n'
      notUtf8(await upload(`${part}Content-Disposition: form-data; name="note\u00e9"`))
      const utf8 = Buffer.from('café.txt').toString('latin1')
      const good = await upload(`Content-Disposition: form-data; name="file"; filename="${utf8}"`)
      expect(good.status).to.equal(201)
      expect(good.body.name).to.equal('café.txt')
      expect(Object((await user.get('/api/storage/files')).body).data).to.have.length(1)
    })

    it('in a command over long polling', async () => {
      const user = await app.api.register()
      const poll = async (sid: string, body?: Buffer) => {
        const url = `${app.url}/socket.io/?EIO=4&transport=polling${sid && `&sid=${sid}`}`
        const answer = await fetch(
          url,
          body
            ? { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': 'text/plain;charset=UTF-8' } }
            : {},
        )
        return answer.text()
      }
      const { sid } = JSON.parse((await poll('')).slice(1))
      await poll(sid, Buffer.from(`40${JSON.stringify({ token: user.token })}`))
      expect(await poll(sid)).to.match(/^40/)
      await poll(sid, latin1('420["message.send",{"agentId":"x","message":"caf\u00e9"}]'))
      expect(await poll(sid)).to.match(/^430\[\{"ok":false,"error":\{"message":"The command is not valid UTF-8\."/)
    })
  })

  it('e-mail addresses are trimmed, wherever they are given', async () => {
    const password = 'correct horse battery'
    const made = await app.api.post('/api/auth/register', { email: ' trim@example.com\u00a0\n', password })
    expect(made.status).to.equal(201)
    expect(Object(made.body).user.email).to.equal('trim@example.com')
    const user = await app.api.login('\ttrim@example.com ', password)
    expect((await app.api.post('/api/auth/register', { email: 'trim@example.com', password })).status).to.equal(409)
    const changed = await user.put('/api/auth/profile', { email: ' Trim2@example.com ', currentPassword: password })
    expect(Object(changed.body).email).to.equal('Trim2@example.com')
    expect((await app.api.post('/api/auth/register', { email: ' ', password })).status).to.equal(400)
    expect((await app.api.post('/api/auth/register', { email: 'tr im@example.com', password })).status).to.equal(400)
  })

  it('an idle connection lives for 65 s at least, and its server says so', async () => {
    const { hostname, port } = new URL(app.url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    const [data] = await once(socket, 'data')
    const seconds = /keep-alive: timeout=(\d+)/i.exec(String(data))?.[1]
    expect(Number(seconds)).to.be.at.least(65)
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).to.match(/^HTTP\/1\.1 200/)
    socket.destroy()
  })

  describe('CORS_ORIGINS', () => {
    const good: Array<[given: string, origins: string[]]> = [
      ['https://app.example.com', ['https://app.example.com']],
      ['https://app.example.com/', ['https://app.example.com']],
      [' https://a.example , http://b.example:8080/,, ', ['https://a.example', 'http://b.example:8080']],
      ['HTTPS://App.Example.COM:443', ['https://app.example.com']],
      ['http://localhost:80', ['http://localhost']],
      ['http://[::1]:5173', ['http://[::1]:5173']],
      ['https://bücher.example', ['https://xn--bcher-kva.example']],
      ['capacitor://localhost', ['capacitor://localhost']],
      ['https://a.example,https://a.example/', ['https://a.example']],
    ]
    for (const [given, origins] of good)
      it(`${JSON.stringify(given)} is ${origins.join(' and ')}`, () =>
        expect(loadEnv({ CORS_ORIGINS: given }).CORS_ORIGINS).to.deep.equal(origins))

    const bad: Array<[given: string, words: RegExp]> = [
      ['*', /CORS_ORIGINS names origins one by one/],
      ['https://*.example.com', /one by one/],
      ['app.example.com', /CORS_ORIGINS needs a scheme before "app.example.com": write https:\/\/app.example.com/],
      ['localhost:3000', /needs a scheme/],
      ['//app.example.com', /write https:\/\/app.example.com/],
      ['https://app.example.com/login', /has no path.*write https:\/\/app.example.com/],
      ['https://app.example.com?x=1', /has no path/],
      ['https://me:pw@app.example.com', /with a name or a password: write/],
      ['https://', /is no origin/],
      ['null', /needs a scheme/],
      ['https://a.example, b.example', /needs a scheme before "b.example"/],
    ]
    for (const [given, words] of bad)
      it(`${JSON.stringify(given)} is refused at the start with a sentence`, () =>
        expect(() => loadEnv({ CORS_ORIGINS: given })).to.throw(EnvError, words))
  })
})

describe('Field 22: in production', () => {
  it('clients reach the server by IPv4 and by IPv6, and pages of a normalised origin may call', async function () {
    this.timeout(60_000)
    const database = await createDatabase()
    const env = {
      NODE_ENV: 'production',
      JWT_SECRET: 'Zk3v9Qw7xN2pLr8tYb5mHc4dFg6jKs1aVe0u',
      CORS_ORIGINS: 'https://App.example.com/',
    }
    const running = await startApp({ databaseUrl: database.url, env, worker: false })
    try {
      const hasIpv6 = Object.values(networkInterfaces())
        .flat()
        .some((net) => net?.address === '::1')
      const { port } = new URL(running.url)
      for (const host of ['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])]) {
        const request = httpRequest({
          host,
          port,
          path: '/healthz',
          headers: { origin: 'https://app.example.com' },
        }).end()
        const [response] = await once(request, 'response')
        response.resume()
        expect(response.statusCode, host).to.equal(200)
        expect(response.headers['access-control-allow-origin']).to.equal('https://app.example.com')
      }
    } finally {
      await running.close()
      await database.drop()
    }
  })
})
