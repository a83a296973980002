import type { RequestHandler } from 'express'
import type { Cluster, Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../shared/errors.ts'
import { clientNetwork } from './client-network.ts'

/** A try to show who one is. */
export interface Attempt {
  /** What is tried, whether there is such an account or not. */
  account: string
  network: string
  /** Where it is tried from: a device that the account knows, else the network. */
  place: string
  /** The account was signed in to from this place before. */
  isKnown: boolean
}

/** Limits by address for every request, and for wrong passwords and codes. */
export interface RateLimiter {
  /** Says what is left in `RateLimit` and `RateLimit-Policy` (IETF draft 10). */
  perAddress: RequestHandler
  /** Counts a socket that is about to be opened from a network; false when there were too many of late. */
  mayConnect(network: string): Promise<boolean>
  /** Counts a request of somebody who has a link and no account. @throws AppError 429 */
  beforeShared(network: string): Promise<void>
  /** Counts a look at what an MCP server lists, by its owner. @throws AppError 429 `mcp.busy` */
  beforeRefresh(userId: string): Promise<void>
  /**
   * Counts a try before it is made, so that tries made at once are all counted: of this account from this place; of all accounts
   * from this network; and of this account from all places that it does not know, together. A stranger, from however many networks,
   * so exhausts what strangers have, and never what the account's own places have.
   * @throws AppError 429 when one of these has failed too often.
   */
  beforeLogin(attempt: Attempt): Promise<void>
  /** Forgets the failed tries of an account from a place; for others who fail, this one does not count. */
  loginSucceeded(attempt: Attempt): Promise<void>
  /** The try was neither right nor wrong, and counts for nothing. */
  loginUndecided(attempt: Attempt): Promise<void>
  /** Counts a try of a second factor, which is short: a few a day, of the account's own places and of all others together. */
  beforeFactor(attempt: Attempt): Promise<void>
  factorSucceeded(attempt: Attempt): Promise<void>
}

const LOGIN_WINDOW_SECONDS = 15 * 60
const DAY_SECONDS = 86_400
/** Of a million codes three are right at a time: fifty tries a day find one in eighteen years. */
const FACTOR_ATTEMPTS = 50

type LimitCode = 'request.rate_limited' | 'auth.too_many_attempts' | 'mcp.busy'

const tooMany = (code: LimitCode, result: RateLimiterRes) =>
  new AppError(code, { details: { retryAfterSeconds: Math.ceil(result.msBeforeNext / 1000) } })

/** Numbers of `.env.example`. */
interface Limits {
  requestsPerMinute: number
  loginAttempts: number
  loginNetworkAttempts?: number
  loginStrangerAttempts?: number
  handshakesPerMinute?: number
  sharedPerMinute?: number
  refreshesPerMinute?: number
}

/**
 * Counts in Redis where there is one, so that all web nodes count together; while Redis is away each node counts alone: that
 * multiplies what is allowed by the nodes, and neither refuses everybody nor lets everybody try for ever.
 */
export function createRateLimiter(
  {
    requestsPerMinute,
    loginAttempts,
    loginNetworkAttempts = 100,
    loginStrangerAttempts = 50,
    handshakesPerMinute = 300,
    sharedPerMinute = 300,
    refreshesPerMinute = 30,
  }: Limits,
  shared?: { client: Redis | Cluster; prefix: string },
): RateLimiter {
  const make = (keyPrefix: string, points: number, duration: number) => {
    const memory = new RateLimiterMemory({ keyPrefix, points, duration })
    if (!shared) return memory
    const prefixed = `${shared.prefix}:${keyPrefix}`
    return new RateLimiterRedis({
      storeClient: shared.client,
      keyPrefix: prefixed,
      points,
      duration,
      insuranceLimiter: memory,
    })
  }
  const requests = make('limit:requests', requestsPerMinute, 60)
  const logins = make('limit:logins', loginAttempts, LOGIN_WINDOW_SECONDS)
  const networks = make('limit:login-networks', loginNetworkAttempts, LOGIN_WINDOW_SECONDS)
  const strangers = make('limit:login-strangers', loginStrangerAttempts, LOGIN_WINDOW_SECONDS)
  const handshakes = make('limit:handshakes', handshakesPerMinute, 60)
  const links = make('limit:shared', sharedPerMinute, 60)
  const refreshes = make('limit:mcp-refreshes', refreshesPerMinute, 60)
  const factors = make('limit:factors', FACTOR_ATTEMPTS, DAY_SECONDS)
  const take = async (
    limiter: typeof requests,
    key: string,
    code: LimitCode,
    tell: (left: RateLimiterRes) => void = () => {},
  ) => {
    try {
      tell(await limiter.consume(key))
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      tell(error)
      throw tooMany(code, error)
    }
  }
  const placeKey = ({ place, account }: Attempt) => `${place}:${account}`
  const factorKey = (attempt: Attempt) => (attempt.isKnown ? placeKey(attempt) : attempt.account)
  const giveBackShared = async ({ network, account, isKnown }: Attempt) => {
    await networks.reward(network)
    if (!isKnown) await strangers.reward(account)
  }
  return {
    perAddress: async (request, response, next) => {
      response.set('RateLimit-Policy', `"address";q=${requestsPerMinute};w=60`)
      const tell = ({ remainingPoints, msBeforeNext }: RateLimiterRes) =>
        response.set('RateLimit', `"address";r=${Math.max(0, remainingPoints)};t=${Math.ceil(msBeforeNext / 1_000)}`)
      await take(requests, clientNetwork(request.ip ?? 'unknown'), 'request.rate_limited', tell)
      next()
    },
    mayConnect: (network) =>
      handshakes.consume(network).then(
        () => true,
        (refusal: unknown) => {
          if (refusal instanceof RateLimiterRes) return false
          throw refusal
        },
      ),
    beforeShared: (network) => take(links, network, 'request.rate_limited'),
    beforeRefresh: (userId) => take(refreshes, userId, 'mcp.busy'),
    async beforeLogin(attempt) {
      await take(logins, placeKey(attempt), 'auth.too_many_attempts')
      await take(networks, attempt.network, 'auth.too_many_attempts')
      if (!attempt.isKnown) await take(strangers, attempt.account, 'auth.too_many_attempts')
    },
    async loginSucceeded(attempt) {
      await logins.delete(placeKey(attempt))
      await giveBackShared(attempt)
    },
    async loginUndecided(attempt) {
      await logins.reward(placeKey(attempt))
      await giveBackShared(attempt)
    },
    beforeFactor: (attempt) => take(factors, factorKey(attempt), 'auth.too_many_attempts'),
    async factorSucceeded(attempt) {
      await factors.reward(factorKey(attempt))
    },
  }
}
