import type { RequestHandler } from 'express'
import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../shared/errors.ts'
import { clientNetwork } from './client-network.ts'

/** Limits by address for every request, and for wrong passwords (by address and e-mail, or by user). */
export interface RateLimiter {
  perAddress: RequestHandler
  /**
   * Counts a try before it is made, so that tries made at once are all counted.
   * @throws AppError 429 when this key has failed too often.
   */
  beforeLogin(key: string): Promise<void>
  /** Forgets the failed tries of a key. */
  loginSucceeded(key: string): Promise<void>
}

const LOGIN_WINDOW_SECONDS = 15 * 60

type LimitCode = 'request.rate_limited' | 'auth.too_many_attempts'

const tooMany = (code: LimitCode, result: RateLimiterRes) =>
  new AppError(code, { details: { retryAfterSeconds: Math.ceil(result.msBeforeNext / 1000) } })

/**
 * Counts in Redis where there is one, so that all web nodes count together; while Redis is away each node counts alone
 * rather than refuse everybody.
 */
export function createRateLimiter(
  limits: { requestsPerMinute: number; loginAttempts: number },
  redis?: Redis,
): RateLimiter {
  const make = (keyPrefix: string, points: number, duration: number) => {
    const memory = new RateLimiterMemory({ keyPrefix, points, duration })
    return redis
      ? new RateLimiterRedis({ storeClient: redis, keyPrefix, points, duration, insuranceLimiter: memory })
      : memory
  }
  const requests = make('limit:requests', limits.requestsPerMinute, 60)
  const logins = make('limit:logins', limits.loginAttempts, LOGIN_WINDOW_SECONDS)
  const take = async (limiter: typeof requests, key: string, code: LimitCode) => {
    try {
      await limiter.consume(key)
    } catch (error) {
      if (error instanceof RateLimiterRes) throw tooMany(code, error)
      throw error
    }
  }
  return {
    perAddress: async (request, _response, next) => {
      await take(requests, clientNetwork(request.ip ?? 'unknown'), 'request.rate_limited')
      next()
    },
    beforeLogin: (key) => take(logins, key, 'auth.too_many_attempts'),
    async loginSucceeded(key) {
      await logins.delete(key)
    },
  }
}
