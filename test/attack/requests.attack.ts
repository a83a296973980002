import { good } from '../field/wires.ts'
import type { Attack, Finding } from './attack-run.ts'
import { AddressedClient } from './ground.ts'

/** A refusal tells what is wrong, and no more than that. */
const MOST_BYTES = 8 * 1_024

const post = (url: string, path: string, body: string, headers: Record<string, string> = {}) => {
  const { address } = new AddressedClient(url)
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address, ...headers },
    body,
  })
}

export const attack: Attack = {
  title: 'requests that cost more than they ask for',
  async run({ ground, short }) {
    const findings: Finding[] = []
    const times = short ? 5 : 30

    const keys = JSON.stringify(Object.fromEntries(Array.from({ length: 24_000 }, (_, i) => [i.toString(36), 0])))
    let bytes = 0
    const flood = await ground.harmDuring(async () => {
      const answers = await Promise.all(Array.from({ length: times }, () => post(ground.url, '/api/auth/login', keys)))
      for (const answer of answers) bytes = Math.max(bytes, (await answer.arrayBuffer()).byteLength)
    })
    findings.push(
      {
        what: 'a login of 24,000 unknown keys: bytes of the answer',
        before: '1.9 MB',
        now: `${bytes}`,
        held: bytes <= MOST_BYTES,
      },
      { what: `${times} of them: the loop is held up`, before: '8 s', now: `${flood.loopMs.toFixed(0)} ms` },
    )

    const user = await ground.person()
    const authorization = { authorization: `Bearer ${user.token}` }
    const wide = await Promise.all(
      Array.from({ length: times }, () => post(ground.url, '/api/agents', keys, authorization)),
    )
    const longest = Math.max(
      ...(await Promise.all(wide.map((answer) => answer.arrayBuffer()))).map((b) => b.byteLength),
    )
    findings.push({
      what: 'an agent of 24,000 unknown keys, signed in: status; bytes of the answer',
      before: '400; 1.9 MB',
      now: `${Math.max(...wide.map((answer) => answer.status))}; ${longest}`,
      held: wide.every((answer) => answer.status === 400) && longest <= MOST_BYTES,
    })

    const deep = `{"message":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    let status = 0
    const nested = await ground.harmDuring(async () => {
      const answers = await Promise.all(
        Array.from({ length: times }, () => post(ground.url, '/api/chat', deep, authorization)),
      )
      status = Math.max(...answers.map((answer) => answer.status))
    })
    findings.push({
      what: 'bodies nested 100,000 deep: status; the loop is held up',
      before: 'not tried',
      now: `${status}; ${nested.loopMs.toFixed(0)} ms`,
      held: status < 500,
    })

    ground.strangers.script(() => good('A long answer of many words. '.repeat(1_500)))
    const [agentId = ''] = await user.agentsOn(ground.serverOf(ground.strangers.url), ['Ada'])
    let conversationId: string | undefined
    for (let i = 0; i < (short ? 2 : 8); i++) {
      const accepted = await user.accept('/api/chat', { agentId, conversationId, message: 'word '.repeat(6_000) })
      conversationId = accepted.conversationId
      await user.finished(accepted.runId)
    }
    const statuses: number[] = []
    const body = { agentId, conversationId, message: 'And now?' }
    const estimates = await ground.harmDuring(async () => {
      const answers = await Promise.all(Array.from({ length: times }, () => user.post('/api/credits/estimate', body)))
      statuses.push(...answers.map((answer) => answer.status))
    })
    findings.push({
      what: `${times} estimates over a long conversation: the loop is held up`,
      before: '0.6 s of CPU each',
      now: `${estimates.loopMs.toFixed(0)} ms (${statuses.filter((one) => one === 200).length} answered 200)`,
    })

    const forged = ['afterSeq=99999999999', 'beforeSeq=99999999999', 'afterSeq=1e30', 'limit=99999999999']
    const answers = await Promise.all(
      forged.map((query) => user.get(`/api/chat/conversations/${conversationId}?${query}`)),
    )
    const worst = Math.max(...answers.map((answer) => answer.status))
    findings.push({ what: 'numbers beyond int4', before: '500', now: `${worst}`, held: worst < 500 })
    return findings
  },
}
