import { type ClientRequest, request } from 'node:http'
import { z } from 'zod'
import { good } from '../field/wires.ts'
import type { Attack } from './attack-run.ts'

const MB = 1_048_576
/** A page has at most a megabyte of words, and some fields around them. */
const MOST_PAGE = MB + 65_536
const paged = z.object({ messages: z.object({ nextCursor: z.string().nullable() }) })
const MOST_MEMORY = 200 * MB

export const attack: Attack = {
  title: 'pages, snapshots and those who do not read them',
  async run({ ground, short }) {
    const user = await ground.person('100000')
    const text = 'A very long answer. '.repeat(100_000)
    ground.strangers.script(() => good(text))
    const connection = { ...ground.serverOf(ground.strangers.url) }
    const connectionId = await user.create('/api/connections', { name: 'C', apiKey: 'k-1234567', ...connection })
    const agentId = await user.create('/api/agents', {
      name: 'Ada',
      instructions: 'You speak at length.',
      connectionId,
      maxOutputTokens: 128_000,
    })
    const answers = short ? 9 : 12
    let conversationId = ''
    for (let i = 0; i < answers; i++) {
      const body = { agentId, message: 'More.', ...(conversationId && { conversationId }) }
      const accepted = await user.accept('/api/chat', body)
      conversationId = accepted.conversationId
      await user.finished(accepted.runId)
    }
    const path = `/api/chat/conversations/${conversationId}?limit=100`
    const { body } = await user.get(path)
    const bytes = Buffer.byteLength(JSON.stringify(body))
    // There must be more than fits, or nothing was tried.
    const isCut = paged.parse(body).messages.nextCursor !== null

    // Readers who open the stream, and take nothing from it.
    const headers = { authorization: `Bearer ${user.token}` }
    const open: ClientRequest[] = []
    const readers = await ground.harmDuring(async () => {
      for (let i = 0; i < 10; i++) {
        const sent = request(`${ground.url}/api/chat/conversations/${conversationId}/events`, { headers })
        sent.on('response', (response) => void response.pause())
        sent.on('error', () => {})
        sent.end()
        open.push(sent)
      }
      for (let i = 0; i < (short ? 1 : 3); i++) {
        const { runId } = await user.accept('/api/chat', { agentId, conversationId, message: 'And more.' })
        await user.finished(runId)
      }
    })
    for (const one of open) one.destroy()
    return [
      {
        what: `a page of ${answers} answers of 2 MB: bytes`,
        before: '22 MB',
        now: `${(bytes / MB).toFixed(1)} MB${isCut ? ', and more to come' : ''}`,
        held: bytes <= MOST_PAGE && isCut,
      },
      {
        what: 'ten readers of it who do not read: memory',
        before: '0.5 GB',
        now: `${Math.max(0, Math.round(readers.memory / MB))} MB`,
        held: readers.memory <= MOST_MEMORY,
      },
      { what: 'meanwhile the loop is held up', before: '', now: `${readers.loopMs.toFixed(0)} ms` },
    ]
  },
}
