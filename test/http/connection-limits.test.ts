import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { io } from 'socket.io-client'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'

/** A connection on which somebody writes by hand; `said` resolves with all that came when it ends. */
async function open(url: string): Promise<{ socket: Socket; said: Promise<string> }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  const said = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  await once(socket, 'connect')
  return { socket, said }
}
const head = (path: string, length: number, more = '') =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`

describe('Connections', function () {
  this.timeout(60_000)
  const app = useApp({
    worker: false,
    env: { REQUEST_BODY_MS: '500', USER_WAITS: '2', USER_SOCKETS: '2', SOCKET_SIGN_IN_MS: '500', NETWORK_SOCKETS: '5' },
  })
  let user: TestUser
  beforeEach(async () => {
    user = await app.api.register()
  })
  const bearer = () => `authorization: Bearer ${user.token}\r\n`

  it('whose body never comes are told so and closed', async () => {
    for (const path of ['/api/auth/login', '/socket.io/?EIO=4&transport=polling&sid=x']) {
      const { socket, said } = await open(app.url)
      socket.write(`${head(path, 100)}{"email":`)
      expect(await said, path).to.match(/^HTTP\/1.1 (408|400) /)
    }
    const { socket, said } = await open(app.url)
    socket.write(`${head('/api/agents', 100, bearer())}{"name":`)
    expect(await said).to.match(/^HTTP\/1.1 408 [\s\S]*request\.timeout/)
  })

  it('of which nobody wants the body are closed, however slowly it comes', async () => {
    const texts = [head('/nowhere', 1e9), head('/api/auth/login', 1e9), head('/api/storage/upload', 1e9)]
    const drips = texts.map(async (text) => {
      const { socket, said } = await open(app.url)
      socket.write(text)
      const drip = setInterval(() => socket.write('x'), 50)
      expect(await said).to.match(/^HTTP\/1.1 4\d\d /)
      clearInterval(drip)
    })
    await Promise.all(drips)
  })

  it('wait for a run only so many at a time; the others are answered at once', async () => {
    const gone = new AbortController()
    const answers: Response[] = []
    const headers = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json', prefer: 'wait=60' }
    // Nothing runs here, so that who finds a seat waits.
    const asked = Array.from({ length: 5 }, () =>
      fetch(`${app.url}/api/chat`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ agentId: ADA, message: 'Hello' }),
        signal: gone.signal,
      }).then(
        (answer) => void answers.push(answer),
        () => 'gone',
      ),
    )
    await eventually(async () => answers.length === 3)
    for (const answer of answers) {
      expect(answer.status).to.equal(202)
      expect(answer.headers.get('preference-applied')).to.equal(null)
    }
    gone.abort()
    expect((await Promise.all(asked)).filter((end) => end === 'gone')).to.have.length(2)
  })

  it('stream events only so many at a time, and get their place back', async () => {
    const { conversationId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    const stream = () =>
      new Promise<{ status: number; close: () => void }>((resolve, reject) => {
        const headers = { authorization: `Bearer ${user.token}` }
        const asked = request(`${app.url}/api/chat/conversations/${conversationId}/events`, { headers }, (response) => {
          response.resume()
          response.on('error', () => {})
          resolve({ status: response.statusCode ?? 0, close: () => asked.destroy() })
        })
        asked.once('error', reject)
        asked.end()
      })
    const streams = await Promise.all(Array.from({ length: 8 }, stream))
    expect(streams.filter(({ status }) => status === 200)).to.have.length(2)
    expect(streams.filter(({ status }) => status === 429)).to.have.length(6)
    for (const { close } of streams) close()
    await eventually(async () => {
      const again = await stream()
      again.close()
      return again.status === 200
    })
  })

  const socketUrl = () => `${app.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`

  it('by sockets that do not sign in are closed, at once when they talk much', async () => {
    const silent = new WebSocket(socketUrl())
    await once(silent, 'close')
    for (const packet of ['40{"token":"forged"}', '42["run.cancel",{}]', `40{"token":"${'x'.repeat(40_000)}"}`]) {
      const loud = new WebSocket(socketUrl())
      await once(loud, 'open')
      const closed = once(loud, 'close')
      for (let i = 0; i < 50; i++) loud.send(packet)
      await closed
    }
    expect((await app.api.get('/healthz')).status).to.equal(200)
  })

  it('by sockets of one user and of one network are so many, however many come at once', async () => {
    const users = [user, await app.api.register(), await app.api.register(), await app.api.register()]
    const attempt = (by: TestUser) =>
      new Promise<{ code: string; close: () => void }>((resolve) => {
        const options = { transports: ['websocket'], auth: { token: by.token }, forceNew: true, reconnection: false }
        const socket = io(app.url, options)
        const close = () => void socket.disconnect()
        socket.once('connect', () => resolve({ code: 'ok', close }))
        socket.once('connect_error', (error) => {
          const code = 'data' in error ? String(Object(error.data).code) : 'refused'
          resolve({ code, close })
        })
      })
    const mine = await Promise.all(Array.from({ length: 4 }, () => attempt(user)))
    const codes = mine.map(({ code }) => code)
    expect(codes.filter((code) => code === 'ok')).to.have.length(2)
    for (const { close } of mine) close()
    const all = await eventually(async () => {
      const opened = await Promise.all(users.flatMap((by) => [attempt(by), attempt(by)]))
      const count = opened.filter(({ code }) => code === 'ok').length
      for (const { close } of opened) close()
      expect(count).to.be.at.most(5)
      return count === 5 && opened
    })
    expect(all.some(({ code }) => code !== 'ok')).to.equal(true)
  })
})

describe('A network', () => {
  const app = useApp({ worker: false, env: { NETWORK_CONNECTIONS: '5', HANDSHAKES_PER_MINUTE: '3' } })

  it('has so many connections; the next are closed as they come', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => open(app.url)))
    let closed = 0
    for (const { said } of opened) void said.then(() => closed++)
    await eventually(async () => closed === 15)
    for (const { socket } of opened) socket.destroy()
    await Promise.all(opened.map(({ said }) => said))
    await eventually(async () => {
      const answer = await app.api.get('/healthz').catch(() => undefined)
      return answer?.status === 200
    })
  })

  it('begins so many sockets a minute', async () => {
    const shake = async () => {
      const answer = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`, { headers: { connection: 'close' } })
      await answer.text()
      return answer.status
    }
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push(await shake())
    expect(statuses).to.deep.equal([200, 200, 200, 403, 403])
  })
})
