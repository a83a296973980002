import { randomUUID } from 'node:crypto'
import type { Attack } from './attack-run.ts'
import { AddressedClient } from './ground.ts'

export const attack: Attack = {
  title: 'a flood of passwords',
  async run({ ground, short }) {
    const times = short ? 50 : 200
    const counts: Record<number, number> = {}
    const harm = await ground.harmDuring(async () => {
      await Promise.all(
        Array.from({ length: times }, async () => {
          const client = new AddressedClient(ground.url)
          const body = { email: `${randomUUID()}@example.com`, password: 'not the right one' }
          const { status } = await client.post('/api/auth/login', body)
          counts[status] = (counts[status] ?? 0) + 1
        }),
      )
    })
    const shown = Object.entries(counts).map(([status, count]) => `${count} x ${status}`)
    const wrong = Object.keys(counts).filter((status) => !['401', '429', '503'].includes(status))

    // Somebody who tries to lock another out.
    const victim = await ground.person()
    for (let i = 0; i < 30; i++) {
      await new AddressedClient(ground.url).post('/api/auth/login', { email: victim.email, password: 'a wrong guess' })
    }
    const own = new AddressedClient(ground.url, '198.51.100.7')
    const known = await own.post('/api/auth/login', { email: victim.email, password: 'correct horse battery' })
    return [
      {
        what: `${times} logins at once: an honest user's first word`,
        before: '20 s for everybody; connections to the database timed out',
        now: `${harm.firstWordMs.toFixed(0)} ms (${ground.idleMs.toFixed(0)} ms idle)`,
      },
      { what: 'their answers', before: '', now: shown.join(', '), held: wrong.length === 0 },
      {
        what: 'the owner signs in, whose password strangers guess (a place never seen before)',
        before: 'possible from elsewhere',
        now: `${known.status}`,
      },
    ]
  },
}
