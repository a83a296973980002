/** The longest silence that is not yet a standstill, in ms. A process starts within it on a machine that has much else to do. */
export const QUIET_MS = 60_000
const LOOK_EVERY_MS = 250

/** When something moved last, as `performance.now()` counts. */
let movedAt = performance.now()

/** Something that tests wait for has moved on: a line of a process, a request to a provider, words on a screen. */
export function moved(): void {
  movedAt = performance.now()
}

/** Below mocha's usual limit, so that whoever waits can still say for what. */
const USUAL_MS = 15_000
let isPaced = false

/** How long a test waits while nothing moves, in ms. */
export const patience = (): number => (isPaced ? QUIET_MS : USUAL_MS)

/** For how long nothing has moved, in ms. */
export const quietFor = (): number => performance.now() - movedAt

/** Looks until there is something to be seen, and answers it; throws when nothing has moved for a minute. */
export async function eventually<T>(
  look: () => T | false | undefined | Promise<T | false | undefined>,
): Promise<Awaited<T>> {
  const begunAt = performance.now()
  for (;;) {
    const seen = await look()
    if (seen !== false && seen !== undefined) return seen
    if (Math.min(quietFor(), performance.now() - begunAt) > QUIET_MS) throw new Error('it did not come to pass')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/**
 * In the suite in which it is called, a test's limit hangs on progress and not on the clock: it may take as long as things
 * move, and fails when nothing has for a minute. A busy machine then makes it slow, not red.
 */
export function usePace(): void {
  let watch: NodeJS.Timeout | undefined
  beforeEach('watch whether things move', function () {
    this.currentTest?.timeout(0)
    isPaced = true
    moved()
    watch = setInterval(() => {
      if (quietFor() < QUIET_MS) return
      clearInterval(watch)
      // Mocha takes what nobody catches for the failure of the test that runs.
      throw new Error(`Nothing has moved for ${QUIET_MS / 1_000} s.`)
    }, LOOK_EVERY_MS)
  })
  afterEach('stop watching', () => {
    isPaced = false
    clearInterval(watch)
  })
}

const TICK_MS = 10
/** A tick that comes later than this was kept from running by others. */
const LATE_MS = 25

/** How long something took, in ms. */
export interface Took {
  /** By the clock. */
  ms: number
  /** Without the time for which this process was kept from running: on a quiet machine the same, on a busy one what is fair to bound. */
  ownMs: number
}

/** Measures work, for bounds that say something about the work and nothing about what else the machine does. */
export async function timed<T>(work: () => Promise<T>): Promise<Took & { result: T }> {
  const startedAt = performance.now()
  let seenAt = startedAt
  let ownMs = 0
  const tick = () => {
    const now = performance.now()
    ownMs += Math.min(now - seenAt, LATE_MS)
    seenAt = now
  }
  const timer = setInterval(tick, TICK_MS)
  try {
    const result = await work()
    tick()
    return { result, ms: seenAt - startedAt, ownMs }
  } finally {
    clearInterval(timer)
  }
}
