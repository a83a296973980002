import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { killProcesses } from '../support/processes.ts'
import type { Bench } from './bench-run.ts'
import { assess, type ReportedFigure, summary, table } from './harness.ts'
import { Stage } from './stage.ts'

/**
 * `npm run bench` runs every bench but `reading` and `neighbours`, `npm run bench -- NAME...` those, `--quick` with a few turns each, to see that they work. A bench
 * is `test/bench/<name>.bench.ts` and exports `run(bench)`. The figures, beside their baselines and targets, are printed and
 * written to `.bench/`. The exit code is 1 only when a bench could not measure: a missed target is a finding, not a failure.
 */
const FOLDER = '.bench'
/** Processes that want to run, on average, at most, for a machine to be called quiet. */
const QUIET = 0.5
/** In the order in which they run: what wants fresh processes comes when nothing else runs. */
const NAMES = [
  'turns',
  'latency',
  'history',
  'stop',
  'accept',
  'streams',
  'workers',
  'recovery',
  'credits',
  'upload',
] as const
/** Run only when they are named: they measure what is right or fair, not what is quick, and take their time. */
const ON_REQUEST = ['reading', 'neighbours'] as const

const module = z.object({ run: z.custom<(bench: Bench) => Promise<void>>((value) => typeof value === 'function') })

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const known: readonly string[] = [...NAMES, ...ON_REQUEST]
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`There is no bench "${unknown.join('", "')}"; say: npm run bench -- ${known.join(' | ')} [--quick]`)
  process.exit(1)
}

const stage = new Stage()
let closing: Promise<void> | undefined
const close = () => {
  closing ??= stage.close().finally(killProcesses)
  return closing
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void close().finally(() => process.exit(130)))

const startedAt = new Date()
/** What others had to do in the minute before: figures of a busy machine are not to be believed. */
const [busy = 0] = loadavg()
const figures: ReportedFigure[] = []
const benches: { name: string; seconds: number; broken?: string }[] = []
for (const name of positionals.length > 0 ? known.filter((one) => positionals.includes(one)) : NAMES) {
  console.log(`${name} ...`)
  const begun = performance.now()
  let broken: string | undefined
  try {
    const { run } = module.parse(await import(`./${name}.bench.ts`))
    await run({
      stage,
      quick: values.quick,
      report: (figure) => void figures.push(assess(name, figure)),
      say: (line) => console.log(`  ${line}`),
    })
  } catch (error) {
    broken = error instanceof Error ? (error.stack ?? error.message) : String(error)
    console.error(`${name} broke: ${broken}`)
    process.exitCode = 1
    if (closing) break
  }
  const seconds = Math.round((performance.now() - begun) / 100) / 10
  console.log(`  ${seconds} s`)
  benches.push({ name, seconds, broken })
}
await close()

await mkdir(FOLDER, { recursive: true })
const file = join(FOLDER, `${startedAt.toISOString().replaceAll(':', '-')}.json`)
const machine = {
  cores: cpus().length,
  cpu: cpus()[0]?.model,
  memoryBytes: totalmem(),
  node: process.version,
  loadBefore: busy,
}
await writeFile(file, JSON.stringify({ startedAt, quick: values.quick, machine, benches, figures }, null, 2))
console.log(`\n${table(figures)}\n\n${summary(figures)}\n`)
if (values.quick) console.log('These are the figures of --quick: they show that the benches work, and nothing else.')
if (busy > QUIET)
  console.log(`The machine was busy before this began (load ${busy.toFixed(1)}): run it again on a quiet one.`)
const broken = benches.filter((bench) => bench.broken)
if (broken.length > 0) console.log(`Broken: ${broken.map(({ name }) => name).join(', ')}.`)
console.log(
  `On ${machine.cores} cores, ${benches.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(0)} s. JSON: ${relative('.', file)}`,
)
