import { readdir } from 'node:fs/promises'
import { z } from 'zod'
import { mochaGlobalTeardown } from '../support/global-fixtures.ts'

/**
 * `npm run bench -- <name>` runs `test/bench/<name>.bench.ts`, which exports `run()`: it prints its figures and throws when
 * they miss what is asked of them.
 */
const benchmark = z.object({ run: z.custom<() => Promise<void>>((value) => typeof value === 'function') })

const names = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''))
const name = process.argv[2] ?? ''

if (names.includes(name)) {
  try {
    await benchmark.parse(await import(`./${name}.bench.ts`)).run()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  } finally {
    await mochaGlobalTeardown()
  }
} else {
  console.error(`Say which: npm run bench -- ${names.join(' | ')}`)
  process.exitCode = 1
}
