import { randomUUID } from 'node:crypto'
import { io } from 'socket.io-client'
import { z } from 'zod'
import type { Attack, AttackOptions, Finding } from './attack-run.ts'
import { AddressedClient } from './ground.ts'

const acknowledged = z.object({ ok: z.boolean(), error: z.object({ code: z.string() }).optional() })

/** Addresses of the inside, in every spelling: `OUTBOUND_ALLOW` of the ground names 127.0.0.1 alone. */
const INSIDE = [
  '127.0.0.2',
  '127.1.1',
  '0177.0.0.2',
  '0x7f000002',
  '2130706434',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '[::]',
  '[::1]',
  '[::127.0.0.2]',
  '[::ffff:127.0.0.2]',
  '[::ffff:0:127.0.0.1]',
  '[::ffff:0:127.0.0.2]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[fec0::1]',
  '[::ffff:169.254.169.254]',
  '１２７.０.０.２',
  '127。0。0。2',
]

/** Passwords that are guessed first, all of them long enough. */
const GUESSED = ['password1234', '123456789012', 'qwertyuiop12', 'passwordpassword', 'aaaaaaaaaaaa', 'iloveyou1234']

async function spellings({ ground }: AttackOptions): Promise<Finding> {
  const user = await ground.person()
  const taken: string[] = []
  for (const host of INSIDE) {
    const baseUrl = `http://${host}:9/v1`
    const body = { name: 'C', provider: 'openai-compatible', model: 'm', apiKey: 'k-1234567', baseUrl }
    const { status } = await user.post('/api/connections', body)
    if (status !== 400) taken.push(`${host} (${status})`)
  }
  return {
    what: `${INSIDE.length} spellings of addresses inside: taken`,
    before: '[::ffff:0:127.0.0.1]',
    now: taken.join(', ') || 'none',
    held: taken.length === 0,
  }
}

async function passwords({ ground }: AttackOptions): Promise<Finding> {
  const taken: string[] = []
  for (const password of GUESSED) {
    const email = `${randomUUID()}@example.com`
    const { status } = await new AddressedClient(ground.url).post('/api/auth/register', { email, password })
    if (status !== 400) taken.push(`${password} (${status})`)
  }
  return {
    what: `${GUESSED.length} passwords that many use: taken`,
    before: 'all',
    now: taken.join(', ') || 'none',
    held: taken.length === 0,
  }
}

async function commands({ ground }: AttackOptions): Promise<Finding> {
  const user = await ground.person()
  const socket = io(ground.url, { auth: { token: user.token }, transports: ['websocket'], reconnection: false })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject))
  const [agentId = ''] = await user.agentsOn(ground.serverOf(ground.strangers.url), ['Ada'])
  const id = randomUUID()
  const tried: [string, unknown][] = [
    ['message.send', { agentId, message: 'Hello.', idempotencyKey: 'a\0b' }],
    ['message.send', { agentId, message: 'Hello.\0' }],
    ['message.send', { agentId, message: '\ud800' }],
    ['conversation.join', { conversationId: id, afterSeq: 99_999_999_999 }],
    ['conversation.join', { conversationId: `${id}\0` }],
    ['run.cancel', { runId: ['a'] }],
  ]
  const broken: string[] = []
  for (const [name, body] of tried) {
    const { ok, error } = acknowledged.parse(await socket.timeout(60_000).emitWithAck(name, body))
    if (ok || error?.code.startsWith('server.')) broken.push(`${name}: ${error?.code ?? 'taken'}`)
  }
  socket.close()
  return {
    what: `${tried.length} commands with NUL, halves of pairs and numbers beyond int4: errors of ours`,
    before: 'a 500 each',
    now: broken.join(', ') || 'none',
    held: broken.length === 0,
  }
}

export const attack: Attack = {
  title: 'small things',
  run: async (options) => [await spellings(options), await passwords(options), await commands(options)],
}
