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
    const home = new AddressedClient(ground.url)
    const victim = await home.register()
    const guesses = short ? 55 : 80
    let heard = 0
    for (let i = 0; i < guesses; i++) {
      const guess = { email: victim.email, password: 'a wrong guess' }
      if ((await new AddressedClient(ground.url).post('/api/auth/login', guess)).status === 401) heard += 1
    }
    const known = await home.post('/api/auth/login', { email: victim.email, password: 'correct horse battery' })
    return [
      {
        what: `${times} logins at once: an honest user's first word`,
        before: '20 s for everybody; connections to the database timed out',
        now: `${harm.firstWordMs.toFixed(0)} ms (${ground.idleMs.toFixed(0)} ms idle)`,
      },
      { what: 'their answers', before: '', now: shown.join(', '), held: wrong.length === 0 },
      {
        what: `${guesses} guesses at one account from as many networks: tried`,
        before: 'all',
        now: `${heard}`,
        held: heard <= 50,
      },
      {
        what: 'its owner signs in meanwhile, where they always do',
        before: '200',
        now: `${known.status}`,
        held: known.status === 200,
      },
    ]
  },
}
