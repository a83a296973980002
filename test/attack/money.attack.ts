import { z } from 'zod'
import { formatCredits, parseCredits } from '../../src/shared/money.ts'
import { C, completion, D, E, F, good, U } from '../field/wires.ts'
import type { TestUser } from '../support/api-client.ts'
import type { WireRequest } from '../support/wire-server.ts'
import type { Attack, AttackOptions, Finding } from './attack-run.ts'
import type { Ground } from './ground.ts'

const OPENAI_CONNECTION = '01990000-0000-7000-8000-0000000000c1'
/** What one account can cost the platform at most, in credits, whatever it does. */
const MOST_LOST = parseCredits('1000')
/** A message near the most that is taken. */
const LONG = 'word '.repeat(6_000)

const listed = z.object({ data: z.array(z.unknown()) })

const usage = (input: number, output: number, reasoning = 0) =>
  E({
    choices: [],
    usage: {
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      completion_tokens_details: { reasoning_tokens: reasoning },
    },
  })

const limitOf = ({ body }: WireRequest): number => {
  const limit = body.max_completion_tokens ?? body.max_tokens
  return typeof limit === 'number' ? limit : 128_000
}

const credits = (micro: bigint): string => `${Number(formatCredits(micro)).toLocaleString('en')} credits`

/** Begins so many chats of one user at once and waits for the end of those that were taken. */
async function chat(user: TestUser, agentId: string, times: number, message = 'Think hard.'): Promise<number> {
  const answers = await Promise.all(Array.from({ length: times }, () => user.post('/api/chat', { agentId, message })))
  const accepted = answers.filter(({ status }) => status === 202)
  for (const { body } of accepted) await user.finished(Reflect.get(Object(body), 'runId'))
  return accepted.length
}

async function hiddenThoughts(ground: Ground): Promise<Finding> {
  ground.platform.script((request) =>
    request.stream
      ? { pieces: [C('Done.'), F('stop'), usage(20, limitOf(request), limitOf(request) - 2), D] }
      : { body: completion('A title') },
  )
  const user = await ground.person()
  const agentId = await user.create('/api/agents', {
    name: 'Thinker',
    instructions: 'You think.',
    model: 'o3',
    maxOutputTokens: 128_000,
  })
  const lost = await ground.lostDuring(() => chat(user, agentId, 8))
  const { spent } = await ground.balance(user)
  return {
    what: 'eight chats on a model that thinks in silence: lost by the platform',
    before: '950,012 credits (10,000 paid)',
    now: `${credits(lost)} (${credits(parseCredits(spent))} paid)`,
    held: lost <= MOST_LOST,
  }
}

async function burst(ground: Ground): Promise<Finding> {
  ground.platform.script((request) =>
    request.stream
      ? { pieces: [C('words '.repeat(17_000)), F('stop'), usage(20, 17_000), D] }
      : { body: completion('A title') },
  )
  const user = await ground.person('5')
  const agentId = await user.create('/api/agents', { name: 'Burst', instructions: 'You speak.', model: 'gpt-5' })
  const lost = await ground.lostDuring(() => chat(user, agentId, 1))
  return {
    what: '100,000 characters in one piece for 5 credits: lost by the platform',
    before: '153 credits',
    now: credits(lost),
    held: lost <= MOST_LOST,
  }
}

async function lies({ ground }: AttackOptions): Promise<Finding[]> {
  const spend = async (answer: string) => {
    ground.strangers.script(() => answer)
    const user = await ground.person()
    const [agentId = ''] = await user.agentsOn(ground.serverOf(ground.strangers.url), ['Liar'])
    const lost = await ground.lostDuring(() => chat(user, agentId, 1))
    return { lost, spent: parseCredits((await ground.balance(user)).spent) }
  }
  const much = await spend(`${C('Hello.')}${F('stop')}${usage(1e9, 1e9)}${D}`)
  const text = 'A sentence of some length follows the one before. '.repeat(80)
  const said = (tokens: ReturnType<typeof usage>) => `${C(text)}${F('stop')}${tokens}${D}`
  const honest = await spend(said(usage(200, 800)))
  const little = await spend(said(usage(1, 0)))
  return [
    {
      what: "a stranger's server reports a billion tokens: lost by the platform",
      before: '40,000,000 credits',
      now: credits(much.lost),
      held: much.lost === 0n,
    },
    {
      what: 'it reports one token for 800: paid, of what is honest',
      before: 'nearly nothing',
      now: `${credits(little.spent)} of ${credits(honest.spent)}`,
      held: little.spent * 2n >= honest.spent,
    },
  ]
}

/** Prompts that reached the provider and were stopped before it answered. */
async function unheard({ ground, short }: AttackOptions): Promise<Finding> {
  const times = short ? 2 : 6
  const answers: (() => void)[] = []
  let reached = () => {}
  ground.platform.script((request) => {
    if (!request.stream) return { body: completion('A title') }
    reached()
    return new Promise((resolve) => answers.push(() => resolve(good('Too late.'))))
  })
  const user = await ground.person()
  const agentId = await user.create('/api/agents', { name: 'Mute', instructions: 'You speak.', model: 'gpt-5' })
  const lost = await ground.lostDuring(async () => {
    for (let i = 0; i < times; i++) {
      const came = new Promise<void>((resolve) => {
        reached = resolve
      })
      const { runId } = await user.accept('/api/chat', { agentId, message: LONG })
      await came
      await user.post(`/api/chat/runs/${runId}/cancel`, {})
      await user.finished(runId)
    }
  })
  for (const answer of answers) answer()
  const spent = parseCredits((await ground.balance(user)).spent)
  return {
    what: `${times} long prompts, stopped before the answer began: paid / booked as lost`,
    before: '0 / 0',
    now: `${credits(spent)} / ${credits(lost)}`,
    held: spent + lost > 0n,
  }
}

async function poor({ ground, short }: AttackOptions): Promise<Finding> {
  const times = short ? 20 : 100
  ground.strangers.script(() => `${C('Hello.')}${F('stop')}${U}${D}`)
  const user = await ground.person('0.05')
  const [agentId = ''] = await user.agentsOn(ground.serverOf(ground.strangers.url), ['Poor'])
  // Long enough to cost more than there is.
  const answers = await Promise.all(
    Array.from({ length: times }, () => user.post('/api/chat', { agentId, message: LONG })),
  )
  const refused = answers.filter(({ status }) => status === 402).length
  const { data } = listed.parse((await user.get('/api/chat/conversations')).body)
  return {
    what: `${times} POSTs with 0.05 credits: answered 402 / conversations that they left`,
    before: '0 / all, each a message and a run without a turn',
    now: `${refused} / ${data.length}`,
    held: refused === times && data.length === 0,
  }
}

async function freeTrials({ ground, short }: AttackOptions): Promise<Finding> {
  const times = short ? 5 : 20
  ground.platform.script(() => ({ body: completion('Yes.') }))
  const user = await ground.person('1')
  for (let i = 0; i < times; i++) await user.post(`/api/connections/${OPENAI_CONNECTION}/test`, {})
  const calls = ground.platform.requests.length
  const { spent } = await ground.balance(user)
  return {
    what: `${times} tests of the platform's connection by a user: free calls`,
    before: `${times}`,
    now: parseCredits(spent) > 0n ? `0 (${calls} paid)` : `${calls}`,
    held: calls === 0 || parseCredits(spent) > 0n,
  }
}

export const attack: Attack = {
  title: "the platform's money",
  async run(options) {
    return [
      await hiddenThoughts(options.ground),
      await burst(options.ground),
      ...(await lies(options)),
      await unheard(options),
      await poor(options),
      await freeTrials(options),
    ]
  },
}
