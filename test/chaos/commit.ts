import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The short name of the commit that a folder is at; `unknown` outside of a history. */
export function commitOf(folder: string): Promise<string> {
  return promisify(execFile)('git', ['rev-parse', '--short', 'HEAD'], { cwd: folder }).then(
    ({ stdout }) => stdout.trim(),
    () => 'unknown',
  )
}
