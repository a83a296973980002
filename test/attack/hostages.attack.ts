import { C, D, F, good, refused, U } from '../field/wires.ts'
import type { TestUser } from '../support/api-client.ts'
import type { WireReply } from '../support/wire-server.ts'
import type { Attack, Finding } from './attack-run.ts'

const TURNS_A_USER = 8
/** What each kind of hostile server does, by the name of its model. */
const SERVERS: Record<string, () => WireReply | string | Promise<WireReply | string>> = {
  silent: () => new Promise(() => {}),
  slow: () => ({ pieces: [...Array.from({ length: 120 }, () => [1_000, C('a ')]).flat(), F('stop'), U, D] }),
  busy: () => refused(429, 'slow down'),
  flooding: () => good('flood '.repeat(20_000)),
}

export const attack: Attack = {
  title: "others wait for somebody else's server",
  async run({ ground, short }) {
    const findings: Finding[] = []
    ground.strangers.script(({ body }) => (SERVERS[String(body.model)] ?? SERVERS.silent)?.() ?? '')
    const hostile = async (model: string): Promise<{ user: TestUser; runs: string[] }> => {
      const user = await ground.person()
      const connection = { ...ground.serverOf(ground.strangers.url), model }
      const [agentId = ''] = await user.agentsOn(connection, ['Hostile'])
      const answers = await Promise.all(
        Array.from({ length: TURNS_A_USER }, () => user.post('/api/chat', { agentId, message: 'Go.' })),
      )
      return { user, runs: answers.map(({ body }) => String(Reflect.get(Object(body), 'runId'))) }
    }
    const measure = async (what: string, before: string, models: string[]) => {
      const crowd = await Promise.all(models.map(hostile))
      const words = await ground.speak(short ? 3 : 10)
      const slowest = Math.max(...words)
      const bound = 2 * ground.idleMs + 200
      findings.push({
        what,
        before,
        now: `${slowest.toFixed(0)} ms at most (idle ${ground.idleMs.toFixed(0)} ms; wanted <= ${bound.toFixed(0)})`,
        // They came, and nobody had to be through first.
        held: words.length === (short ? 3 : 10),
      })
      for (const { user, runs } of crowd) {
        await Promise.all(runs.map((id) => user.post(`/api/chat/runs/${id}/cancel`, {})))
        await user.request('DELETE', `/api/users/${user.id}`)
      }
    }
    await measure(
      'seven accounts at a server that never answers: an honest first word',
      'it waits until they time out',
      Array.from({ length: 7 }, () => 'silent'),
    )
    const kinds = Object.keys(SERVERS)
    const count = short ? 8 : 20
    await measure(
      `${count} hostile accounts at full rate: an honest first word`,
      'it waits until they time out',
      Array.from({ length: count }, (_, i) => kinds[i % kinds.length] ?? 'silent'),
    )
    return findings
  },
}
