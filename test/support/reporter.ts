import Mocha from 'mocha'
import { hasProgram, NO_REDIS, skipped } from './programs.ts'

/** Suites of skipped tests, each with why, and how many there are; one that is alone with its own title. */
function skippedLines(tests: readonly Mocha.Test[]): string[] {
  const groups = new Map<string, { why: string; titles: string[] }>()
  for (const test of tests) {
    const path = test.titlePath()
    const { title, why = 'it does not say why' } = skipped(path.at(-1) ?? '')
    const suite = path.slice(0, -1).join(' ')
    const group = groups.get(`${suite}\n${why}`) ?? { why, titles: [] }
    groups.set(`${suite}\n${why}`, { why, titles: [...group.titles, `${suite} ${title}`] })
  }
  return Array.from(groups, ([key, { why, titles }]) => {
    const [suite] = key.split('\n')
    return `Skipped: ${titles.length === 1 ? titles[0] : `${suite} (${titles.length} tests)`}: ${why}.`
  })
}

/**
 * Mocha's `spec` output, closed by what was skipped and why, and by one plain line that people and scripts can rely on:
 * `N passed, N failed[, N skipped]`.
 */
export default class ClosingLineReporter extends Mocha.reporters.Spec {
  readonly #counts: Mocha.Stats | undefined
  readonly #skipped: Mocha.Test[] = []

  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options)
    this.#counts = runner.stats
    runner.on(Mocha.Runner.constants.EVENT_TEST_PENDING, (test) => this.#skipped.push(test))
  }

  override epilogue(): void {
    super.epilogue()
    for (const line of skippedLines(this.#skipped)) process.stdout.write(`${line}\n`)
    const redis = hasProgram('redis-server') ? ' and on Redis' : `; the cases on Redis were skipped: ${NO_REDIS}`
    process.stdout.write(`Ran on embedded PostgreSQL${redis}.\n`)
    const { passes = 0, failures = 0, pending = 0 } = this.#counts ?? {}
    process.stdout.write(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`)
  }
}
