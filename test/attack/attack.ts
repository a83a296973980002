import { parseArgs } from 'node:util'
import { z } from 'zod'
import { Stage } from '../bench/stage.ts'
import { killProcesses } from '../support/processes.ts'
import type { Attack, Finding, PatientAttack } from './attack-run.ts'
import { Ground } from './ground.ts'

/**
 * `npm run attack` performs every attack on a server of its own with production's settings, on the loopback alone; `npm run attack
 * -- NAME...` those, `--short` with less of each, as CI does. An attack is `test/attack/<name>.attack.ts`. What can be counted
 * (credits, rows, bytes, requests) has a bound, and exit code 1 says that one was broken; times are told, and judged by nobody: the
 * machine is shared.
 */
const NAMES = [
  'money',
  'accounts',
  'requests',
  'passwords',
  'provider-text',
  'hostages',
  'files',
  'pages',
  'halves',
  'handshakes',
  'sockets',
  'small',
] as const

const module = z.object({ attack: z.custom<Attack | PatientAttack>((value) => typeof value === 'object') })

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !NAMES.some((known) => known === name))
if (unknown.length > 0) {
  console.error(`There is no attack "${unknown.join('", "')}"; say: npm run attack -- ${NAMES.join(' | ')} [--short]`)
  process.exit(1)
}

const stage = new Stage()
const ground = await Ground.open(stage)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(
    signal,
    () =>
      void ground
        .close()
        .finally(killProcesses)
        .finally(() => process.exit(130)),
  )
}

let broken = 0
const rows: string[][] = []
const tell = (name: string, { what, before, now, held }: Finding) => {
  if (held === false) broken += 1
  const verdict = held === undefined ? '' : held ? 'held' : 'BROKEN'
  rows.push([name, what, before, now, verdict])
  console.log(`  ${what}: ${before} -> ${now} ${verdict}`)
}

const names = positionals.length > 0 ? NAMES.filter((one) => positionals.includes(one)) : NAMES
const attacks = await Promise.all(
  names.map(async (name) => ({ name, ...module.parse(await import(`./${name}.attack.ts`)) })),
)
const options = { ground, short: values.short }
const ends = new Map<string, () => Promise<Finding[]>>()
for (const { name, attack } of attacks) {
  if (!('begin' in attack)) continue
  const failed = (error: unknown) => () => Promise.reject(error)
  ends.set(name, await attack.begin(options).catch(failed))
}
for (const { name, attack } of attacks) {
  console.log(`${name}: ${attack.title}`)
  const begun = performance.now()
  try {
    const findings = 'run' in attack ? await attack.run(options) : await ends.get(name)?.()
    for (const finding of findings ?? []) tell(name, finding)
  } catch (error) {
    tell(name, {
      what: 'the attack itself',
      before: '',
      now: String(error instanceof Error ? error.stack : error),
      held: false,
    })
  }
  console.log(`  ${((performance.now() - begun) / 1_000).toFixed(1)} s`)
}
const [after = Number.NaN] = await ground.speak(1)
tell('afterwards', {
  what: "an honest user's first word",
  before: `${ground.idleMs.toFixed(0)} ms idle`,
  now: `${after.toFixed(0)} ms`,
})
const clean = await ground.ledgerIsClean()
tell('afterwards', { what: 'ledger:verify', before: 'clean', now: clean ? 'clean' : 'differences', held: clean })
await ground.close().finally(killProcesses)

const HEAD = ['attack', 'figure', 'when it was found', 'now', '']
const widths = HEAD.map((title, column) =>
  Math.max(...[HEAD, ...rows].map((row) => row[column]?.length ?? title.length)),
)
const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
console.log(`\n${[line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')}\n`)
console.log(broken === 0 ? 'Every bound held.' : `${broken} bounds were broken.`)
process.exit(broken === 0 ? 0 : 1)
