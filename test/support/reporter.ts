import Mocha from 'mocha'
import { hasProgram } from './programs.ts'

/** Mocha's `spec` output, closed by one plain line that people and scripts can rely on: `N passed, N failed[, N skipped]`. */
export default class ClosingLineReporter extends Mocha.reporters.Spec {
  readonly #counts: Mocha.Stats | undefined

  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options)
    this.#counts = runner.stats
  }

  override epilogue(): void {
    super.epilogue()
    const redis = hasProgram('redis-server')
      ? ' and on Redis'
      : '; the cases on Redis were skipped: there is no redis-server on the PATH'
    process.stdout.write(`Ran on embedded PostgreSQL${redis}.\n`)
    const { passes = 0, failures = 0, pending = 0 } = this.#counts ?? {}
    process.stdout.write(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`)
  }
}
