import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { z } from 'zod'
import { formatCredits, parseCredits } from '../../src/shared/money.ts'
import { askChild } from '../bench/child.ts'
import type { Product, Stage } from '../bench/stage.ts'
import { quantile } from '../bench/statistics.ts'
import { type Answer, ApiClient, type TestUser } from '../support/api-client.ts'
import { memoryOf } from '../support/memory.ts'
import { freePort, startProcess, type TestProcess } from '../support/processes.ts'
import { startWireServer, type WireServer } from '../support/wire-server.ts'

const START_MS = 60_000
const UPLOAD_BYTES_PER_DAY = 24_000_000
const balanceView = z.object({ available: z.string(), held: z.string(), granted: z.string(), spent: z.string() })
const honestAnswer = z.object({ firstWordMs: z.array(z.number()).min(1) })

/** An address that nobody else has: what networks are limited by is then not what is measured. */
const someAddress = (): string => `203.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`

/** A client behind a proxy of ours, from an address of its own. */
export class AddressedClient extends ApiClient {
  readonly address: string

  constructor(url: string, address = someAddress()) {
    super(url)
    this.address = address
  }

  override request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    return super.request(method, path, body, { 'x-forwarded-for': this.address, ...headers })
  }
}

/** What an attack did to the process while it went on. */
export interface Harm {
  /** The longest that the event loop was held up, in ms. */
  loopMs: number
  /** Bytes above what it had before. */
  memory: number
  /** The honest user's first words, the median of those during the attack, in ms. */
  firstWordMs: number
}

/**
 * The embedded product with production's settings and its defaults, alone in its process; an honest user in another; and a
 * server behind the platform's own connection, which each attack scripts.
 */
export class Ground {
  readonly #stage: Stage
  readonly #product: Product
  readonly #probeUrl: string
  readonly #honest: { url: string; process: TestProcess; token: string; agentId: string }
  readonly #admin: TestUser
  /** The provider of the platform's connection. */
  readonly platform: WireServer
  /** A provider that a stranger runs. */
  readonly strangers: WireServer
  /** What one user may write a day. */
  readonly uploadBytesPerDay = UPLOAD_BYTES_PER_DAY
  /** The honest user's first word on a machine that has nothing else to do, in ms. */
  idleMs = 0

  private constructor(parts: {
    stage: Stage
    product: Product
    probeUrl: string
    honest: { url: string; process: TestProcess; token: string; agentId: string }
    admin: TestUser
    platform: WireServer
    strangers: WireServer
  }) {
    this.#stage = parts.stage
    this.#product = parts.product
    this.#probeUrl = parts.probeUrl
    this.#honest = parts.honest
    this.#admin = parts.admin
    this.platform = parts.platform
    this.strangers = parts.strangers
  }

  static async open(stage: Stage): Promise<Ground> {
    const [platform, strangers, probePort] = await Promise.all([startWireServer(), startWireServer(), freePort()])
    const honest = await startHonest()
    const product = await stage.startEmbedded({
      LOG_LEVEL: 'error',
      // Production lets nobody reach the loopback, where all servers of the attacks are.
      OUTBOUND_ALLOW: '127.0.0.1',
      OPENAI_API_KEY: 'a-key-of-the-platform',
      OPENAI_BASE_URL: `${platform.url}/v1`,
      SIGNUP_GRANT: '10000',
      SIGNUP_GRANT_FOR: '',
      SIGNUP_GRANTS_PER_DAY: '',
      REGISTRATIONS_PER_HOUR: '',
      REGISTRATIONS_PER_DAY: '',
      REQUESTS_PER_MINUTE: '1200',
      HANDSHAKES_PER_MINUTE: '',
      NETWORK_CONNECTIONS: '',
      NETWORK_SOCKETS: '',
      MAX_CONNECTIONS: '',
      TITLE_ATTEMPTS: '',
      // A smaller day, so that an attack can use it up.
      USER_UPLOAD_BYTES_PER_DAY: String(UPLOAD_BYTES_PER_DAY),
      // Each attacker has an address of its own, and says so as a proxy would.
      TRUST_PROXY: '1',
      LOOP_PROBE_PORT: String(probePort),
      NODE_OPTIONS: `--import=${resolve(import.meta.dirname, 'loop-probe.ts')}`,
    })
    const admin = await new AddressedClient(product.api.url).login(stage.admin.email, stage.admin.password)
    const ground = new Ground({
      stage,
      product,
      probeUrl: `http://127.0.0.1:${probePort}`,
      honest: { ...honest, token: '', agentId: '' },
      admin,
      platform,
      strangers,
    })
    const user = await ground.person()
    const [agentId = ''] = await user.agentsOn(ground.serverOf(honest.provider), ['Honest'])
    ground.#honest.token = user.token
    ground.#honest.agentId = agentId
    await ground.speak(3)
    ground.idleMs = quantile(await ground.speak(10), 0.5)
    return ground
  }

  get url(): string {
    return this.#product.api.url
  }

  get databaseUrl(): string {
    return this.#product.databaseUrl
  }

  /** An agent's connection to a server of this address. */
  readonly serverOf = (url: string) => ({ provider: 'openai-compatible', baseUrl: `${url}/v1`, model: 'm' })

  /** A new user at an address of its own, with just so many credits. */
  async person(credits = '10000'): Promise<TestUser> {
    const user = await new AddressedClient(this.url).register()
    const missing = parseCredits(credits) - parseCredits((await this.balance(user)).available)
    if (missing !== 0n) {
      const gift = { userId: user.id, amount: formatCredits(missing), reason: 'for an attack' }
      const answer = await this.#admin.post('/api/credits/add', gift)
      if (answer.status !== 201) throw new Error(`credits were not added: ${JSON.stringify(answer.body)}`)
    }
    return user
  }

  /** Has the admin do this. */
  ask = (method: string, path: string, body?: unknown): Promise<Answer> => this.#admin.request(method, path, body)

  async balance(user: TestUser): Promise<z.output<typeof balanceView>> {
    return balanceView.parse((await user.get('/api/credits/balance')).body)
  }

  /** What the platform has lost so far, in micro-credits. */
  async losses(): Promise<bigint> {
    const { total } = z.looseObject({ total: z.string() }).parse((await this.ask('GET', '/api/credits/losses')).body)
    return parseCredits(total)
  }

  /** The platform's loss while `attack` went on, in micro-credits. */
  async lostDuring(attack: () => Promise<unknown>): Promise<bigint> {
    const before = await this.losses()
    await attack()
    return (await this.losses()) - before
  }

  /** The honest user says something so many times, one after the other; answers when each first word came, in ms. */
  async speak(times: number): Promise<number[]> {
    const { url, token, agentId } = this.#honest
    return (await askChild(url, { url: this.url, token, agentId, times }, honestAnswer)).firstWordMs
  }

  /** What `attack` does to the others. */
  async harmDuring(attack: () => Promise<unknown>, honestTimes = 5): Promise<Harm> {
    const { pid } = this.#process
    const before = (await memoryOf(pid)).now
    await this.#loop()
    const [firstWords] = await Promise.all([this.speak(honestTimes), attack()])
    const { now } = await memoryOf(pid)
    return { loopMs: await this.#loop(), memory: now - before, firstWordMs: quantile(firstWords, 0.5) }
  }

  /** Whether the ledger adds up, as `npm run ledger:verify` says it. */
  async ledgerIsClean(): Promise<boolean> {
    const verify = startProcess('src/credits/verify.ts', { env: { DATABASE_URL: this.databaseUrl } })
    const { code } = await verify.ended
    if (code !== 0) console.error(verify.output)
    return code === 0
  }

  async close(): Promise<void> {
    await this.#honest.process.kill('SIGKILL')
    await this.#product.stop()
    await Promise.all([this.platform.stop(), this.strangers.stop()])
    await this.#stage.close()
  }

  get #process() {
    const [only] = this.#product.processes
    if (!only) throw new Error('the product has no process')
    return only
  }

  async #loop(): Promise<number> {
    const answer: unknown = await (await fetch(this.#probeUrl)).json()
    return z.object({ maxMs: z.number() }).parse(answer).maxMs
  }
}

async function startHonest() {
  const child = startProcess('test/attack/honest.child.ts')
  const [, provider = ''] = await child.waitForLine(/^provider (\S+)/, START_MS)
  const [, port] = await child.waitForLine(/^listening (\d+)/, START_MS)
  return { process: child, provider, url: `http://127.0.0.1:${port}` }
}
