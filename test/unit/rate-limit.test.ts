import { expect } from 'chai'
import { Redis } from 'ioredis'
import { type Attempt, createRateLimiter } from '../../src/http/rate-limit.ts'
import { AppError } from '../../src/shared/errors.ts'

const LIMITS = { requestsPerMinute: 10, loginAttempts: 3, loginNetworkAttempts: 8, loginStrangerAttempts: 5 }
const from = (place: string, isKnown = false): Attempt => ({ account: 'ann', network: place, place, isKnown })
const outcome = (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'may try',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )

describe('Limits of tries', () => {
  let away: Redis
  before(() => {
    // As `openFoundation` opens it, and nobody at its port.
    away = new Redis('redis://127.0.0.1:1', { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 })
    away.on('error', () => {})
  })
  after(() => away.disconnect())

  for (const where of ['in this process', 'while Redis is away']) {
    const make = () =>
      createRateLimiter(LIMITS, where === 'in this process' ? undefined : { client: away, prefix: 'test' })

    it(`${where}: neither let everybody try for ever, nor refuse everybody`, async () => {
      const limiter = make()
      const tries: string[] = []
      for (let n = 0; n < 5; n++) tries.push(await outcome(limiter.beforeLogin(from('192.0.2.1', true))))
      expect(tries).to.deep.equal([...Array(3).fill('may try'), ...Array(2).fill('auth.too_many_attempts')])
      expect(await outcome(limiter.beforeLogin(from('192.0.2.2', true)))).to.equal('may try')
    })

    it(`${where}: strangers share what strangers have, and places that are known have their own`, async () => {
      const limiter = make()
      const tries: string[] = []
      for (let n = 0; n < 7; n++) tries.push(await outcome(limiter.beforeLogin(from(`198.51.100.${n}`))))
      expect(tries.filter((one) => one === 'may try')).to.have.length(5)
      expect(await outcome(limiter.beforeLogin(from('203.0.113.1', true)))).to.equal('may try')
    })

    it(`${where}: success forgives its own place and takes nothing from others; what was undecided counts for nothing`, async () => {
      const limiter = make()
      const place = from('192.0.2.1', true)
      for (let round = 0; round < 20; round++) {
        expect(await outcome(limiter.beforeLogin(place))).to.equal('may try')
        await (round % 2 === 0 ? limiter.loginSucceeded(place) : limiter.loginUndecided(place))
      }
      // Two wrong ones, and then asking what else is wanted, again and again: the third wrong one is the last.
      for (let n = 0; n < 2; n++) await limiter.beforeLogin(place)
      for (let n = 0; n < 5; n++) {
        await limiter.beforeLogin(place)
        await limiter.loginUndecided(place)
      }
      expect(await outcome(limiter.beforeLogin(place))).to.equal('may try')
      expect(await outcome(limiter.beforeLogin(place))).to.equal('auth.too_many_attempts')
    })

    it(`${where}: second factors are tried fifty times a day`, async () => {
      const limiter = make()
      const tries: string[] = []
      for (let n = 0; n < 60; n++) tries.push(await outcome(limiter.beforeFactor(from(`198.51.100.${n}`))))
      expect(tries.filter((one) => one === 'may try')).to.have.length(50)
      expect(await outcome(limiter.beforeFactor(from('203.0.113.1', true)))).to.equal('may try')
    })
  }
})
