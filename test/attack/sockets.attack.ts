import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Socket as Client, io } from 'socket.io-client'
import type { Attack, Finding } from './attack-run.ts'

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

export const attack: Attack = {
  title: 'connections',
  async run({ ground, short }) {
    const findings: Finding[] = []
    const port = Number(new URL(ground.url).port)

    const many = short ? 50 : 300
    const begun = performance.now()
    const halves = await Promise.all(Array.from({ length: many }, () => open(port)))
    const gone = halves.map(async (socket) => {
      socket.write(
        'POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{',
      )
      socket.resume()
      await once(socket, 'close')
    })
    const watched = short ? 35_000 : 60_000
    const left = await Promise.race([Promise.all(gone).then(() => 0), delay(watched).then(() => -1)])
    const still = left === 0 ? 0 : halves.filter((socket) => !socket.destroyed).length
    const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
    for (const socket of halves) socket.destroy()
    findings.push({
      what: `${many} halves of a request: still open after ${seconds} s`,
      before: 'all, for 75 s and more',
      now: `${still}`,
      held: still === 0,
    })

    const handshakes = short ? 300 : 1_300
    const user = await ground.person()
    const clients: Client[] = []
    let connected = 0
    const harm = await ground.harmDuring(async () => {
      await Promise.all(
        Array.from({ length: handshakes }, async () => {
          const client = io(ground.url, {
            auth: { token: user.token },
            transports: ['websocket'],
            reconnection: false,
            forceNew: true,
            extraHeaders: { 'x-forwarded-for': '192.0.2.77' },
          })
          clients.push(client)
          await new Promise<void>((settled) => {
            client.once('connect', () => {
              connected += 1
              settled()
            })
            client.once('connect_error', () => settled())
          })
        }),
      )
    })
    const open2 = clients.filter((client) => client.connected).length
    for (const client of clients) client.close()
    findings.push(
      {
        what: `${handshakes} sockets from one address: open at once`,
        before: `${handshakes}`,
        now: `${open2} (${connected} were let in)`,
        held: open2 < handshakes,
      },
      { what: 'meanwhile the loop is held up', before: '', now: `${harm.loopMs.toFixed(0)} ms` },
    )

    ground.strangers.script(() => new Promise(() => {}))
    const [agentId = ''] = await user.agentsOn(ground.serverOf(ground.strangers.url), ['Slow'])
    const waits = short ? 30 : 200
    const stop = new AbortController()
    let waiting = 0
    let refused = 0
    const answers = Array.from({ length: waits }, async () => {
      const answer = await fetch(`${ground.url}/api/chat`, {
        method: 'POST',
        signal: stop.signal,
        headers: {
          authorization: `Bearer ${user.token}`,
          'content-type': 'application/json',
          prefer: 'wait=20',
          'x-forwarded-for': '192.0.2.78',
        },
        body: JSON.stringify({ agentId, message: 'Wait.' }),
      }).catch(() => undefined)
      if (!answer) waiting += 1
      else if (answer.status === 429) refused += 1
    })
    await delay(5_000)
    stop.abort()
    await Promise.all(answers)
    findings.push({
      what: `${waits} requests of one user that wait for their answer: held open`,
      before: `${waits}`,
      now: `${waiting} (${refused} refused)`,
      held: waiting < waits,
    })
    return findings
  },
}
