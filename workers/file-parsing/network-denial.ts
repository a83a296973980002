import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A network namespace of its own, which has no interface that is up, for the program that follows. */
const NAMESPACE = ['unshare', '--map-root-user', '--net', '--']

let probed: Promise<readonly string[]> | undefined

/**
 * What stands before a program that is to have no network: nothing where the platform has no such thing or does not permit it
 * (then the program's own modules are without, by `no-network.ts`). Looked at once.
 */
export function networkDenial(): Promise<readonly string[]> {
  // As the program is started: by a shell, without an environment.
  probed ??= run('/bin/sh', ['-c', 'exec "$@"', 'sh', ...NAMESPACE, 'true'], { timeout: 5_000, env: {} }).then(
    () => NAMESPACE,
    () => [],
  )
  return probed
}
