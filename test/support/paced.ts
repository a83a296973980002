/** When something moved last, as `performance.now()` counts. */
let movedAt = performance.now()

/** Something that tests wait for moved on: a line of a process, a request to a provider, words on a screen. */
export function moved(): void {
  movedAt = performance.now()
}

/** The longest silence that is not yet a standstill. A process starts within it on a machine that has much else to do. */
const QUIET_MS = 60_000
const LOOK_EVERY_MS = 250

/**
 * A test whose limit hangs on progress and not on the clock: it may take as long as things move, and fails when nothing has for
 * a minute. So a busy machine makes it slow and not red.
 *
 * @example it('is there in the end', paced(async () => { ... }))
 */
export const paced = (work: () => Promise<void>, quietMs = QUIET_MS) =>
  async function (this: Mocha.Context): Promise<void> {
    this.timeout(0)
    moved()
    const { promise: standstill, reject } = Promise.withResolvers<never>()
    const timer = setInterval(() => {
      const quiet = performance.now() - movedAt
      if (quiet > quietMs) reject(new Error(`Nothing has moved for ${Math.round(quiet / 1_000)} s.`))
    }, LOOK_EVERY_MS)
    try {
      await Promise.race([work(), standstill])
    } finally {
      clearInterval(timer)
    }
  }
