import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Context } from 'mocha'

/** Whether the system has a program of this name. */
export const hasProgram = (name: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/**
 * Skips the test or suite, saying why, where the system lacks a program. The project's own check sets REQUIRE_REDIS=1, because it
 * installs all of them: then a missing one is a failure.
 */
export function needPrograms(context: Context, ...names: string[]): void {
  const missing = names.filter((name) => !hasProgram(name))
  if (missing.length === 0) return
  const why = `there is no ${missing.join(' and no ')} on the PATH`
  if (process.env.REQUIRE_REDIS === '1') throw new Error(`REQUIRE_REDIS=1, but ${why}`)
  console.log(`      skipped: ${why}`)
  context.skip()
}
