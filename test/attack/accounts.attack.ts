import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { formatCredits, parseCredits } from '../../src/shared/money.ts'
import type { Attack } from './attack-run.ts'
import { AddressedClient } from './ground.ts'

const password = 'correct horse battery'
const signedIn = z.object({ token: z.string(), user: z.object({ id: z.uuid() }) })
const granted = z.object({ granted: z.string() })

async function grantOf(client: AddressedClient, token: string): Promise<bigint> {
  const answer = await client.request('GET', '/api/credits/balance', undefined, { authorization: `Bearer ${token}` })
  return parseCredits(granted.parse(answer.body).granted)
}

export const attack: Attack = {
  title: 'grants without end',
  async run({ ground, short }) {
    const times = short ? 15 : 55
    const client = new AddressedClient(ground.url)
    let accounts = 0
    let total = 0n
    for (let i = 0; i < times; i++) {
      const answer = await client.post('/api/auth/register', { email: `${randomUUID()}@example.com`, password })
      if (answer.status !== 201) continue
      accounts += 1
      total += await grantOf(client, signedIn.parse(answer.body).token)
    }

    // Invited, gone and back under the same address.
    const invited = await ground.ask('POST', '/api/invitations', { grant: '10000', uses: 10 })
    const invitationCode = z.looseObject({ code: z.string() }).parse(invited.body).code
    const email = `${randomUUID()}@example.com`
    let joined = 0
    let again = 0n
    for (let i = 0; i < 3; i++) {
      const from = new AddressedClient(ground.url)
      const answer = await from.post('/api/auth/register', { email, password, invitationCode })
      if (answer.status !== 201) break
      joined += 1
      const { token, user } = signedIn.parse(answer.body)
      again += await grantOf(from, token)
      await from.request('DELETE', `/api/users/${user.id}`, undefined, { authorization: `Bearer ${token}` })
    }
    return [
      {
        what: `${times} registrations from one address: accounts / credits granted uninvited`,
        before: `all, each with 10,000 credits (55 in 7 s)`,
        now: `${accounts} / ${formatCredits(total)}`,
        held: accounts <= 10 && total === 0n,
      },
      {
        what: `invited, deleted and registered again, ${joined} times: granted`,
        before: '10,000 credits each time',
        now: formatCredits(again),
        held: joined > 1 && again === parseCredits('10000'),
      },
    ]
  },
}
