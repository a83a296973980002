import { setTimeout as delay } from 'node:timers/promises'
import { shuffled } from '../support/chaos.ts'
import type { RedisServer } from '../support/redis.ts'
import type { Balancer } from './balancer.ts'
import type { ChaosPostgres } from './chaos-postgres.ts'
import type { Place, Role } from './fleet.ts'
import type { Outage, Speech } from './speech.ts'

/** How often each kind comes in a deck, which is shuffled and dealt, again and again. */
const DECK = {
  'web SIGKILL': 6,
  'worker SIGKILL': 10,
  'web SIGTERM, replaced': 2,
  'worker SIGTERM, replaced': 4,
  'Redis killed, empty again': 2,
  'Redis FLUSHALL': 2,
  'Redis frozen': 1,
  'PostgreSQL restarted, fast': 1,
  'PostgreSQL restarted, immediate': 1,
  'PostgreSQL frozen': 1,
  'disk slow': 1,
  'provider 429': 1,
  'provider 503': 1,
  'provider cuts its streams': 1,
  'provider fails within its streams': 1,
  'provider silent': 1,
  'all connections cut': 2,
  'clock an hour ahead': 1,
  'clock an hour behind': 1,
}
export type Incident = keyof typeof DECK
/** Processes that are ended, one each. */
const KILLS: ReadonlySet<Incident> = new Set([
  'web SIGKILL',
  'worker SIGKILL',
  'web SIGTERM, replaced',
  'worker SIGTERM, replaced',
  'Redis killed, empty again',
  'PostgreSQL restarted, fast',
  'PostgreSQL restarted, immediate',
])
export const isKill = (kind: Incident): boolean => KILLS.has(kind)

const HOUR_MS = 3_600_000

export interface Scene {
  places: readonly Place[]
  redis: RedisServer
  postgres: ChaosPostgres
  balancer: Balancer
  speech: Speech
  random: () => number
  /** How long what lasts may last, in ms. */
  lastMs: number
}

/** Deals incidents and has them happen, each when what it needs is there. */
export class Incidents {
  readonly counts = new Map<Incident, number>()
  readonly #scene: Scene
  readonly #underWay = new Set<Promise<void>>()
  readonly #taken = new Set<string>()
  #deck: Incident[] = []

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /**
   * The next one begins; `begins` is told before. What is already broken is not broken again: then another one's turn comes.
   * @returns nothing when there is none that may happen now
   */
  async next(begins: (kind: Incident) => void): Promise<void> {
    if (this.#deck.length === 0) this.#deck = shuffled(DECK, this.#scene.random)
    for (const [at, kind] of this.#deck.entries()) {
      const act = this.#prepare(kind)
      if (!act) continue
      this.#deck.splice(at, 1)
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
      begins(kind)
      const happening = act().finally(() => this.#underWay.delete(happening))
      this.#underWay.add(happening)
      return
    }
  }

  /** All are over, and everything is up again. */
  async over(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #prepare(kind: Incident): (() => Promise<void>) | undefined {
    const { redis, postgres, balancer, speech, random, lastMs } = this.#scene
    const outage = (how: Outage) =>
      this.#alone('provider', async () => {
        const end = speech.breakDown(how)
        await delay(lastMs)
        end()
      })
    const acts: Record<Incident, () => (() => Promise<void>) | undefined> = {
      'web SIGKILL': () => this.#oneOf('web', (place) => place.kill(random() * 1_000)),
      'worker SIGKILL': () => this.#oneOf('worker', (place) => place.kill(random() * 1_000)),
      'web SIGTERM, replaced': () => this.#oneOf('web', (place) => place.replace()),
      'worker SIGTERM, replaced': () => this.#oneOf('worker', (place) => place.replace()),
      'Redis killed, empty again': () => this.#alone('Redis', () => redis.restart()),
      'Redis FLUSHALL': () => this.#alone('Redis', () => redis.flush()),
      'Redis frozen': () =>
        this.#alone('Redis', async () => {
          redis.pause()
          await delay(lastMs / 2)
          redis.resume()
        }),
      'PostgreSQL restarted, fast': () => this.#alone('PostgreSQL', () => postgres.restart('fast')),
      'PostgreSQL restarted, immediate': () => this.#alone('PostgreSQL', () => postgres.restart('immediate')),
      'PostgreSQL frozen': () => this.#alone('PostgreSQL', () => postgres.freeze(lastMs / 2)),
      'disk slow': () => this.#alone('PostgreSQL', () => postgres.slowDown(lastMs)),
      'provider 429': () => outage('429'),
      'provider 503': () => outage('503'),
      'provider cuts its streams': () => outage('cut'),
      'provider fails within its streams': () => outage('in-band'),
      'provider silent': () => outage('silence'),
      'all connections cut': () => async () => balancer.cut(),
      'clock an hour ahead': () => this.#clock(HOUR_MS),
      'clock an hour behind': () => this.#clock(-HOUR_MS),
    }
    return acts[kind]()
  }

  /** On a process of this kind that is up, where another one is up too. */
  #oneOf(role: Role, act: (place: Place) => Promise<void>): (() => Promise<void>) | undefined {
    const up = this.#scene.places.filter((place) => place.role === role && place.isUp)
    const place = up[Math.floor(this.#scene.random() * up.length)]
    return place && up.length > 1 ? () => act(place) : undefined
  }

  #clock(byMs: number): (() => Promise<void>) | undefined {
    const { places, random, lastMs } = this.#scene
    const place = places[Math.floor(random() * places.length)]
    return place && this.#alone(`clock of ${place.name}`, () => place.stepClock(byMs, lastMs))
  }

  #alone(what: string, act: () => Promise<void>): (() => Promise<void>) | undefined {
    if (this.#taken.has(what)) return undefined
    return async () => {
      this.#taken.add(what)
      await act().finally(() => this.#taken.delete(what))
    }
  }
}
