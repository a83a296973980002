import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type Socket as Client, io } from 'socket.io-client'
import type { TestUser } from '../support/api-client.ts'
import type { Attack, AttackOptions, Finding } from './attack-run.ts'
import type { Ground } from './ground.ts'

/** The product's defaults. */
const NETWORK_SOCKETS = 300
const USER_SOCKETS = 20
const USER_WAITS = 10
/** What nothing has come of for so long never comes. */
const LONG_MS = 90_000

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** How many of these are open when all have closed, or when none has for long. */
async function leftOf(sockets: Duplex[]): Promise<number> {
  const closed = Promise.all(sockets.map((socket) => socket.destroyed || once(socket.resume(), 'close')))
  await Promise.race([closed, delay(LONG_MS, undefined, { ref: false })])
  return sockets.filter((socket) => !socket.destroyed).length
}

async function beginHalves(port: number, count: number): Promise<Socket[]> {
  const halves = await Promise.all(Array.from({ length: count }, () => open(port)))
  for (const socket of halves) {
    socket.write(
      'POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{',
    )
  }
  return halves
}

/** Opens a WebSocket that says nothing; undefined where it is refused. */
function silentSocket(url: string, address: string): Promise<Duplex | undefined> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'x-forwarded-for': address,
  }
  return new Promise((resolve) => {
    const sent = request(`${url}/socket.io/?EIO=4&transport=websocket`, { headers })
    sent.on('upgrade', (_response: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => {})
      resolve(socket)
    })
    sent.on('response', (response) => {
      response.resume()
      resolve(undefined)
    })
    sent.on('error', () => resolve(undefined))
    sent.end()
  })
}

async function handshakes({ ground, short }: AttackOptions): Promise<Finding[]> {
  const times = short ? 400 : 1_300
  const sockets: Duplex[] = []
  const harm = await ground.harmDuring(async () => {
    const tried = await Promise.all(Array.from({ length: times }, () => silentSocket(ground.url, '192.0.2.76')))
    sockets.push(...tried.filter((socket) => socket !== undefined))
  })
  const left = await leftOf(sockets)
  for (const socket of sockets) socket.destroy()
  return [
    {
      what: `${times} handshakes from one address, unsigned: let in / never let go`,
      before: `${times} / all`,
      now: `${sockets.length} / ${left}`,
      held: sockets.length > 0 && sockets.length <= NETWORK_SOCKETS && left === 0,
    },
    { what: 'meanwhile the loop is held up', before: '', now: `${harm.loopMs.toFixed(0)} ms` },
  ]
}

async function signedIn(ground: Ground, user: TestUser): Promise<Finding> {
  const times = 5 * USER_SOCKETS
  const clients: Client[] = Array.from({ length: times }, () =>
    io(ground.url, {
      auth: { token: user.token },
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { 'x-forwarded-for': '192.0.2.77' },
    }),
  )
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((settled) => {
          client.once('connect', () => settled())
          client.once('connect_error', () => settled())
        }),
    ),
  )
  const stay = clients.filter((client) => client.connected).length
  for (const client of clients) client.close()
  return {
    what: `${times} sockets of one user: open at once`,
    before: `${times}`,
    now: `${stay}`,
    held: stay > 0 && stay <= USER_SOCKETS,
  }
}

async function waits({ ground, short }: AttackOptions, user: TestUser): Promise<Finding> {
  ground.strangers.script(() => new Promise(() => {}))
  const [agentId = ''] = await user.agentsOn(ground.serverOf(ground.strangers.url), ['Slow'])
  const times = short ? 30 : 200
  const stop = new AbortController()
  let answered = 0
  const enough = new Promise<void>((resolve) => {
    for (let i = 0; i < times; i++) {
      const headers = { prefer: 'wait=60', 'x-forwarded-for': '192.0.2.78' }
      const authorization = `Bearer ${user.token}`
      fetch(`${ground.url}/api/chat`, {
        method: 'POST',
        signal: stop.signal,
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ agentId, message: 'Wait.' }),
      })
        .then(() => {
          answered += 1
          if (answered === times - USER_WAITS) resolve()
        })
        .catch(() => {})
    }
  })
  await Promise.race([enough, delay(LONG_MS / 2, undefined, { ref: false })])
  const waiting = times - answered
  stop.abort()
  return {
    what: `${times} requests of one user that wait for their answer: held open`,
    before: `${times}`,
    now: `${waiting}`,
    held: waiting <= USER_WAITS,
  }
}

export const attack: Attack = {
  title: 'connections',
  async run(options) {
    const { ground, short } = options
    const begun = performance.now()
    const halves = await beginHalves(Number(new URL(ground.url).port), short ? 50 : 300)
    let ended = 0
    for (const half of halves) half.once('close', () => (ended = (performance.now() - begun) / 1_000))
    const rest = [...(await handshakes(options))]
    const user = await ground.person()
    rest.push(await signedIn(ground, user), await waits(options, user))
    const left = await leftOf(halves)
    for (const half of halves) half.destroy()
    return [
      {
        what: `${halves.length} halves of a request: still open; the last ended after`,
        before: 'all, for 75 s and more',
        now: `${left}; ${ended.toFixed(0)} s`,
        held: left === 0,
      },
      ...rest,
    ]
  },
}
