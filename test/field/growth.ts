import { expect } from 'chai'

/** Small enough to be quick, large enough that the square of it is seen. */
const SIZE = 10_000
/** Four times the input may take this many times the CPU: the square would be sixteen. */
export const MOST = 6
/** Below this nothing is measured but noise, in ms of CPU. */
const FLOOR_MS = 40

const since = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

const cpuMs = (work: () => void): number => {
  const before = process.cpuUsage()
  work()
  return since(before)
}

/** Milliseconds of CPU, the least of some runs: other processes and the collector only add. */
export async function cost(runs: number, work: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage()
    await work()
    least = Math.min(least, since(before))
  }
  return least
}

/** Checks that work on n and on 4n grows with n: by CPU time, the least of a few tries, so that a busy machine changes nothing. */
export function expectLinear(work: (n: number) => void, what = 'it'): void {
  const least = (n: number) => Math.min(...Array.from({ length: 3 }, () => cpuMs(() => work(n))))
  const [small, large] = [least(SIZE), least(SIZE * 4)]
  expect(large, `${what}: ${small.toFixed(1)} ms, then ${large.toFixed(1)} ms`).to.be.lessThan(
    Math.max(FLOOR_MS, small) * MOST,
  )
}
