import { brotliCompressSync } from 'node:zlib'
import { completion, good } from '../field/wires.ts'
import { eventually } from '../support/pace.ts'
import type { WireReply } from '../support/wire-server.ts'
import type { Attack, Finding } from './attack-run.ts'

const MB = 1_048_576

export const attack: Attack = {
  title: 'what servers and models send',
  async run({ ground, short }) {
    const findings: Finding[] = []
    const times = short ? 2 : 8
    const user = await ground.person()
    const talk = (agentId: string) => async () => {
      const begun = await Promise.all(
        Array.from({ length: times }, () => user.post('/api/chat', { agentId, message: 'Say something.' })),
      )
      for (const { status, body } of begun) if (status === 202) await user.finished(Reflect.get(Object(body), 'runId'))
    }
    /** `title` is what is answered to who asks for a name of the conversation. */
    const told = async (
      what: string,
      before: string,
      reply: WireReply | string,
      { name = 'Ada', title = 'A title' } = {},
    ) => {
      ground.strangers.script((request) => (request.stream ? reply : { body: completion(title) }))
      const [agentId = ''] = await user.agentsOn(ground.serverOf(ground.strangers.url), [name])
      const harm = await ground.harmDuring(talk(agentId))
      findings.push({ what: `${what}: the loop is held up`, before, now: `${harm.loopMs.toFixed(0)} ms` })
      return harm
    }

    for (const [what, text] of Object.entries({
      braces: '{"'.repeat(127_000),
      blanks: ' '.repeat(255_000),
      digits: '1'.repeat(255_000),
    })) {
      await told(`an error of 255 KB of ${what}`, '6 s', {
        status: 400,
        body: JSON.stringify({ error: { message: text } }),
      })
    }
    await told('an agent called *', '6 s', good('* '.repeat(60_000)), { name: '*' })
    await told('40,000 quotes for a title', '6 s', good('Well said.'), { title: `${'"'.repeat(40_000)}x` })
    const titles = await eventually(() => ground.strangers.requests.filter(({ stream }) => !stream).length || false)
    findings.push({ what: 'such titles that were asked for', before: '', now: `${titles}`, held: titles > 0 })
    await told('a burst of 2 MB in one piece', 'not tried', good('words '.repeat(350_000)))
    await told('an answer of 400 KB without a blank', '3 s', good('a'.repeat(400_000)))

    const bomb = brotliCompressSync(Buffer.alloc(short ? 64 * MB : 512 * MB))
    const harm = await told(`${bomb.length} bytes of brotli`, 'a gigabyte', {
      headers: { 'content-encoding': 'br' },
      type: 'text/event-stream',
      body: bomb,
    })
    findings.push({
      what: 'that brotli: memory',
      before: 'a gigabyte',
      now: `${Math.max(0, Math.round(harm.memory / MB))} MB`,
      held: harm.memory < 256 * MB,
    })
    return findings
  },
}
