import type { Cluster, Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../shared/errors.ts'
import { clientNeighbourhood, clientNetwork } from './client-network.ts'

const HOUR_SECONDS = 3_600
const DAY_SECONDS = 86_400

/** Refuses what one network does too often, before any work is done for it. */
export interface SignupLimits {
  /** @throws AppError 429 */
  beforeRegistration(ip: string): Promise<void>
  /** Before a mail is asked for by somebody who has not signed in. @throws AppError 429 */
  beforeMail(ip: string): Promise<void>
}

/** Counts in Redis where there is one, and alone while Redis is away, as the limits of requests do. */
export function createSignupLimits(
  limits: { registrationsPerHour: number; registrationsPerDay: number; mailsPerHour: number },
  shared?: { client: Redis | Cluster; prefix: string },
): SignupLimits {
  const make = (name: string, points: number, duration: number) => {
    const keyPrefix = `limit:${name}`
    const insuranceLimiter = new RateLimiterMemory({ keyPrefix, points, duration })
    if (!shared) return insuranceLimiter
    const prefixed = `${shared.prefix}:${keyPrefix}`
    return new RateLimiterRedis({ storeClient: shared.client, keyPrefix: prefixed, points, duration, insuranceLimiter })
  }
  const ofHour = make('registrations:hour', limits.registrationsPerHour, HOUR_SECONDS)
  const ofDay = make('registrations:day', limits.registrationsPerDay, DAY_SECONDS)
  const mails = make('mails', limits.mailsPerHour, HOUR_SECONDS)
  const take = async (limiter: typeof ofHour, key: string) => {
    try {
      await limiter.consume(key)
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      const retryAfterSeconds = Math.ceil(error.msBeforeNext / 1_000)
      throw new AppError('request.rate_limited/network', { details: { retryAfterSeconds } })
    }
  }
  return {
    beforeMail: (ip) => take(mails, clientNetwork(ip)),
    async beforeRegistration(ip) {
      await take(ofHour, clientNetwork(ip))
      await take(ofDay, clientNeighbourhood(ip))
    },
  }
}
