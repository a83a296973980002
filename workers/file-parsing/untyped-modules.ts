import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MOST_BYTES = 16 * 1024 * 1024
const LONGEST_MS = 60_000

let printed: Promise<string | undefined> | undefined

/**
 * Writes a module into the folder that the process that reads a file is to import first, and answers its path. It gives that process its
 * own modules without their types: Node would take them out of each in every process anew, which costs more than all else that a short
 * text does. Undefined where there are no types (`npm run build`), or where it cannot be made: files are read without it, too.
 */
export async function placeUntyped(folder: string): Promise<string | undefined> {
  if (!import.meta.url.endsWith('.ts')) return undefined
  printed ??= print()
  const modules = await printed
  if (modules === undefined) return undefined
  const path = join(folder, 'modules.mjs')
  await writeFile(path, modules)
  return path
}

/** Made once, in a process of its own: it takes a while, and what streams words here is not to wait. */
function print(): Promise<string | undefined> {
  const program = fileURLToPath(new URL('./print-untyped.ts', import.meta.url))
  const options = { env: {}, maxBuffer: MOST_BYTES, timeout: LONGEST_MS }
  return run(process.execPath, ['--no-warnings', program], options).then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}
