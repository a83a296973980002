import { setTimeout as delay } from 'node:timers/promises'
import { type Socket as Client, io } from 'socket.io-client'
import type { TestUser } from '../support/api-client.ts'
import type { Attack, AttackOptions, Finding } from './attack-run.ts'
import type { Ground } from './ground.ts'

/** The product's defaults. */
const USER_SOCKETS = 20
const USER_WAITS = 10
/** What nothing has come of for so long never comes. */
const LONG_MS = 45_000

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
  await Promise.race([enough, delay(LONG_MS, undefined, { ref: false })])
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
    const user = await options.ground.person()
    return [await signedIn(options.ground, user), await waits(options, user)]
  },
}
