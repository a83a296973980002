import type { Figure } from './harness.ts'
import type { Stage } from './stage.ts'

/** What a bench is given. It reports its figures and throws only when it could not measure. */
export interface Bench {
  stage: Stage
  report(figure: Figure): void
  /** A line for the reader, beside the figures. */
  say(line: string): void
  /** A few turns only: to see that every bench still works. Its figures mean nothing. */
  quick: boolean
}
