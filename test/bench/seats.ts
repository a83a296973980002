import { randomUUID } from 'node:crypto'
import type { TestUser } from '../support/api-client.ts'
import { EventReader } from '../support/event-reader.ts'
import type { Seat } from './load-tasks.ts'
import type { Product, Stage } from './stage.ts'

/** A user's turns that run at once by default (USER_CONCURRENCY): so many seats share a user. */
const SEATS_A_USER = 8
/** A password takes half a core while it is hashed. */
const REGISTERED_AT_ONCE = 4

/** The provider's model that sends so many tokens, at once or at a pace. */
export const modelName = (tokens: number, perSecond?: number): string =>
  perSecond === undefined ? `bench-${tokens}` : `bench-${tokens}-${perSecond}`

export interface Person {
  user: TestUser
  agentId: string
  seat: Seat
}

/** A new user with an agent on the scripted provider, over the public API. */
export async function seatPerson(stage: Stage, product: Product, model: string): Promise<Person> {
  const user = await product.api.register()
  const connection = { provider: 'openai-compatible', baseUrl: `${await stage.modelUrl()}/v1`, model }
  const [agentId = ''] = await user.agentsOn(connection, ['Bench'])
  return { user, agentId, seat: { url: product.api.url, token: user.token, agentId } }
}

/** A name under which the scripted provider remembers when a request's connection ended. */
export const newKey = (): string => `k${randomUUID().replaceAll('-', '')}`

/** Begins a turn, of which the request has a name, and resolves with who reads its events when its first words have come. */
export async function beginSpeaking({ api }: Product, { user, agentId }: Person) {
  const key = newKey()
  const askedAt = performance.now()
  const { runId } = await user.accept('/api/chat', { agentId, message: `Speak, please. #${key}#` })
  const reader = await EventReader.open(`${api.url}/api/chat/runs/${runId}/events`, user.token)
  await reader.until((event) => event.type === 'turn.delta')
  return { key, runId, reader, firstWordMs: performance.now() - askedAt }
}

/** Seats of as many users as are needed. */
export async function seatsOf(
  stage: Stage,
  product: Product,
  model: string,
  count: number,
  seatsAUser = SEATS_A_USER,
): Promise<Seat[]> {
  const people: Person[] = []
  let left = Math.ceil(count / seatsAUser)
  const register = async () => {
    while (left-- > 0) people.push(await seatPerson(stage, product, model))
  }
  await Promise.all(Array.from({ length: REGISTERED_AT_ONCE }, register))
  return Array.from({ length: count }, (_, index) => people[index % people.length]?.seat ?? missing())
}

function missing(): never {
  throw new Error('nobody was registered')
}
