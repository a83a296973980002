import { z } from 'zod'
import { serveTasks } from '../bench/child.ts'
import { good } from '../field/wires.ts'
import { ApiClient } from '../support/api-client.ts'
import { EventReader } from '../support/event-reader.ts'
import { startWireServer } from '../support/wire-server.ts'

// An honest user in a process of its own, so that what attackers do with theirs does not count: it talks with an agent on an
// honest provider, and says how long each first word took.

const task = z.object({ url: z.string(), token: z.string(), agentId: z.uuid(), times: z.number() })

const provider = await startWireServer()
provider.script(() => good('A measured answer of a few honest words.'))
console.log(`provider ${provider.url}`)

serveTasks(async (given) => {
  const { url, token, agentId, times } = task.parse(given)
  const api = new ApiClient(url)
  const authorization = `Bearer ${token}`
  const firstWordMs: number[] = []
  for (let i = 0; i < times; i++) {
    const begun = performance.now()
    const answer = await api.request('POST', '/api/chat', { agentId, message: 'Hello?' }, { authorization })
    if (answer.status !== 202)
      throw new Error(`the honest user was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    const { runId } = z.object({ runId: z.uuid() }).parse(answer.body)
    const reader = await EventReader.open(`${url}/api/chat/runs/${runId}/events`, token)
    // A short answer may be whole before anybody listens: its message counts as its word.
    await reader.until(({ type }) => type === 'turn.delta' || type === 'turn.completed' || type === 'run.completed')
    firstWordMs.push(performance.now() - begun)
    await reader.until(({ type }) => type.startsWith('run.') && type !== 'run.updated')
    reader.close()
  }
  return { firstWordMs }
})
