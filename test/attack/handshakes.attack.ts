import { type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import type { PatientAttack } from './attack-run.ts'
import { leftOf } from './left-open.ts'

/** The product's default. */
const NETWORK_SOCKETS = 300

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

export const attack: PatientAttack = {
  title: 'connections that never say who they are',
  async begin({ ground, short }) {
    const times = short ? 400 : 1_300
    const sockets: Duplex[] = []
    const harm = await ground.harmDuring(async () => {
      const tried = await Promise.all(Array.from({ length: times }, () => silentSocket(ground.url, '192.0.2.76')))
      sockets.push(...tried.filter((socket) => socket !== undefined))
    })
    for (const socket of sockets) socket.resume()
    return async () => {
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
  },
}
