import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import Mocha, { type Context } from 'mocha'

/** Where the system has a program of this name. */
export const pathOf = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** Whether the system has a program of this name. */
export const hasProgram = (name: string): boolean => pathOf(name) !== undefined

/** Behind the title of what was skipped, so that the last lines of a run say why; titles are what comes back from parallel processes, too. */
const MARK = ' [skipped: '

/** Skips the test, or the suite of the hook, that calls it, and has the summary say why. */
export function skip(context: Context, why: string): never {
  const { test, currentTest } = context
  const isTold = (one: { title: string }) => one.title.includes(MARK)
  const tell = (one: { title: string }) => {
    if (!isTold(one)) one.title += `${MARK}${why}]`
  }
  if (test instanceof Mocha.Hook && test.title.startsWith('"before all"')) test.parent?.eachTest(tell)
  else tell(currentTest ?? test ?? { title: '' })
  return context.skip()
}

/** A title without what `skip` put behind it, and that. */
export function skipped(title: string): { title: string; why?: string } {
  const at = title.indexOf(MARK)
  return at < 0 ? { title } : { title: title.slice(0, at), why: title.slice(at + MARK.length, -1) }
}

/** Where the cases on Redis are skipped. */
export const NO_REDIS = 'there is no redis-server on the PATH'

/**
 * Skips the test or suite, saying why, where the system lacks a program. The project's own check sets REQUIRE_REDIS=1, because it
 * installs all of them: then a missing one is a failure.
 */
export function needPrograms(context: Context, ...names: string[]): void {
  const missing = names.filter((name) => !hasProgram(name))
  if (missing.length === 0) return
  const why = `there is no ${missing.join(' and no ')} on the PATH`
  if (process.env.REQUIRE_REDIS === '1') throw new Error(`REQUIRE_REDIS=1, but ${why}`)
  skip(context, why)
}
