import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { PatientAttack } from './attack-run.ts'
import { leftOf } from './left-open.ts'

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
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

export const attack: PatientAttack = {
  title: 'requests that never come whole',
  async begin({ ground, short }) {
    const begun = performance.now()
    const halves = await beginHalves(Number(new URL(ground.url).port), short ? 50 : 300)
    let ended = 0
    for (const half of halves) half.resume().once('close', () => (ended = (performance.now() - begun) / 1_000))
    return async () => {
      const left = await leftOf(halves)
      for (const half of halves) half.destroy()
      return [
        {
          what: `${halves.length} halves of a request: still open; the last ended after`,
          before: 'all, for 75 s and more',
          now: `${left}; ${ended.toFixed(0)} s`,
          held: left === 0,
        },
      ]
    }
  },
}
