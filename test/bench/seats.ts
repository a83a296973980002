import type { TestUser } from '../support/api-client.ts'
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
