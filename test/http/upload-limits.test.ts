import { request } from 'node:http'
import { expect } from 'chai'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'

describe('Uploads at once', () => {
  const app = useApp({ worker: false, env: { USER_UPLOADS_AT_ONCE: '2' } })
  let user: TestUser
  before(async () => {
    user = await app.api.register()
  })
  const TYPE = 'multipart/form-data; boundary=b'
  const part = (name: string, value = '', file = '') =>
    `--b\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`
  const form = (...parts: string[]) =>
    user.request('POST', '/api/storage/upload', `${parts.join('')}--b--\r\n`, { 'content-type': TYPE })
  /** A request whose body has only begun. */
  const begin = () => {
    const headers = { authorization: `Bearer ${user.token}`, 'content-type': TYPE }
    const sent = request(`${app.url}/api/storage/upload`, { method: 'POST', headers })
    const status = new Promise<number>((resolve) => {
      sent.once('response', (response) => resolve(response.resume().statusCode ?? 0))
      sent.once('error', () => resolve(0))
    })
    sent.write(part('file', 'half', '; filename="a.txt"').slice(0, -2))
    return { sent, status }
  }
  const uploading = async () => Object((await user.get('/api/storage/usage')).body).files

  it('of one user are few; the next one is told to wait, and gets its turn when one is over', async () => {
    const [first, second] = [begin(), begin()]
    await eventually(async () => (await uploading()) === 2)
    const refused = await form(part('file', 'x', '; filename="b.txt"'))
    expect(refused.status).to.equal(429)
    expect(errorOf(refused).code).to.equal('upload.too_many')
    expect(refused.headers.get('retry-after')).to.equal('1')
    first.sent.end('\r\n--b--\r\n')
    expect(await first.status).to.equal(201)
    const fourth = await form(part('file', 'x', '; filename="b.txt"'))
    expect(fourth.status, JSON.stringify(fourth.body)).to.equal(201)
    // One that breaks off gives its seat back too.
    const third = begin()
    await eventually(async () => (await uploading()) === 4)
    for (const { sent } of [second, third]) sent.destroy()
    await eventually(async () => (await form(part('file', 'x', '; filename="d.txt"'))).status === 201)
    await eventually(async () => (await uploading()) === 3)
  })

  it('have no fields that become lists of four billion items', async () => {
    for (const name of ['a[4294967290]', 'a[b][c][d]', 'a[]']) {
      expect((await form(part(name, 'x'), part('file', 'x', '; filename="c.txt"'))).status, name).to.equal(400)
    }
    expect((await form(part('note', 'x'), part('file', 'x', '; filename="c.txt"'))).status).to.equal(201)
  })
})
