import type { RequestHandler } from 'express'
import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../shared/errors.ts'

/** Limits by address for every request, and by address and e-mail for failed logins. */
export interface RateLimiter {
  perAddress: RequestHandler
  /** @throws AppError 429 when this key has failed too often. */
  checkLogin(key: string): Promise<void>
  loginFailed(key: string): Promise<void>
  loginSucceeded(key: string): Promise<void>
}

const LOGIN_WINDOW_SECONDS = 15 * 60

const tooMany = (code: string, message: string, result: RateLimiterRes) =>
  new AppError(429, code, message, { retryAfterSeconds: Math.ceil(result.msBeforeNext / 1000) })

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
  return {
    perAddress: async (request, _response, next) => {
      try {
        await requests.consume(request.ip ?? 'unknown')
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error
        throw tooMany('request.rate_limited', 'Too many requests; please slow down.', error)
      }
      next()
    },
    async checkLogin(key) {
      const state = await logins.get(key)
      if (state && state.consumedPoints >= limits.loginAttempts) {
        throw tooMany('auth.too_many_attempts', 'Too many failed sign-ins; please wait.', state)
      }
    },
    async loginFailed(key) {
      await logins.penalty(key)
    },
    async loginSucceeded(key) {
      await logins.delete(key)
    },
  }
}
