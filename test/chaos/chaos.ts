import { randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seeded } from '../support/chaos.ts'
import { killProcesses } from '../support/processes.ts'
import { audit, countOf } from './audit.ts'
import { type ChaosRun, chaosReport, killsOf } from './chaos-report.ts'
import { commitOf } from './commit.ts'
import { type Incident, Incidents } from './incidents.ts'
import { Installation, quickened, SHORTENED } from './installation.ts'
import { Speech } from './speech.ts'

/**
 * `npm run chaos` keeps people talking with an installation of real processes for `--minutes`, while its parts are killed, replaced,
 * frozen and emptied at random (`--seed` repeats the order), and compares every character with the database in the end. It writes
 * docs/chaos-report.md, and JSON to `.bench/`; `--short` takes half a minute, with quick settings, and only prints. Exit code 1 says
 * that something was lost or came twice. Times are told, and judged by nobody.
 */
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    seed: { type: 'string' },
  },
})
const { short } = values
const minutes = Number(values.minutes ?? (short ? 0.4 : 12))
const seed = Number(values.seed ?? randomInt(1_000_000))
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('say: npm run chaos -- [--short] [--minutes N] [--seed N]')
  process.exit(1)
}

const FLEET = { webs: 2, workers: short ? 2 : 3 }
const PEOPLE = short ? 3 : 8
const CONVERSATIONS_EACH = 4
/** Between two incidents, on average. */
const GAP_MS = short ? 2_000 : 7_000
/** How long an incident lasts that does. */
const LAST_MS = short ? 1_500 : 3_000
/** Whatever was retaken later than this after a kill was not retaken because of it. */
const TAKEN_WITHIN_MS = 15_000
const FOLDER = '.bench'
const REPORT = resolve(import.meta.dirname, '../../docs/chaos-report.md')

console.log(`seed ${seed}, ${minutes} minutes`)
const [loadBefore = 0] = loadavg()
const startedAt = new Date()
const random = seeded(seed)
const installation = await Installation.open(FLEET, { quick: short })
let closing: Promise<void> | undefined
const close = () => {
  closing ??= installation.close().finally(killProcesses)
  return closing
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void close().finally(() => process.exit(130)))

try {
  const run = await perform()
  const report = chaosReport(run)
  await mkdir(FOLDER, { recursive: true })
  const file = join(FOLDER, `chaos-${run.startedAt.replaceAll(':', '-')}.json`)
  await writeFile(file, JSON.stringify(run, null, 2))
  if (!short) await writeFile(REPORT, report)
  console.log(`\n${report}\nJSON: ${relative('.', file)}`)
  const faults = { ...run.audit.duplicates, ...run.audit.losses, ...run.audit.tools.breaches }
  for (const [what, list] of Object.entries(faults))
    for (const one of list.slice(0, 5)) console.error(`${what}: ${one}`)
  const broken = countOf(faults)
  console.log(
    `${run.audit.turns} turns, ${killsOf(run)} kills: ${broken === 0 ? 'nothing was lost, nothing came twice.' : `${broken} BROKEN`}`,
  )
  process.exitCode = broken === 0 ? 0 : 1
} finally {
  await close()
}
process.exit()

async function perform(): Promise<ChaosRun> {
  const speech = new Speech(installation.llm, random)
  const guests = await installation.invite(PEOPLE, CONVERSATIONS_EACH, random)
  const incidents = new Incidents({ ...installation, speech, random, lastMs: LAST_MS })
  const recoveries: Partial<Record<Incident, number[]>> = {}
  const workerKills: number[] = []
  const staying = Promise.all(guests.map((guest) => guest.stay()))
  const begunAt = performance.now()
  const endAt = begunAt + minutes * 60_000
  while (performance.now() < endAt) {
    await delay(random() * 2 * GAP_MS)
    await incidents.next((kind) => {
      const at = performance.now()
      const durations = recoveries[kind] ?? []
      recoveries[kind] = durations
      for (const guest of guests) guest.onNext((seenAt) => durations.push(seenAt - at))
      if (kind === 'worker SIGKILL') workerKills.push(at)
      console.log(`  ${((at - begunAt) / 1_000).toFixed(0).padStart(4)} s  ${kind}`)
    })
  }
  await incidents.over()
  for (const guest of guests) guest.leave()
  await staying
  const seconds = (performance.now() - begunAt) / 1_000
  const retaken = guests.flatMap(({ screen }) => screen.retaken).toSorted((a, b) => a - b)
  return {
    startedAt: startedAt.toISOString(),
    commit: await commitOf(import.meta.dirname),
    seed,
    short,
    seconds,
    fleet: { ...FLEET, guests: guests.length },
    settings: short ? { ...SHORTENED, ...quickened() } : SHORTENED,
    machine: { cores: cpus().length, node: process.version, loadBefore },
    incidents: Object.fromEntries(incidents.counts),
    recoveries,
    takeovers: workerKills.flatMap((killedAt) => {
      const next = retaken.find((at) => at > killedAt)
      return next === undefined || next - killedAt > TAKEN_WITHIN_MS ? [] : [next - killedAt]
    }),
    stops: guests.flatMap(({ stops }) => stops),
    longestPause: Math.max(...guests.map(({ longestPause }) => longestPause)),
    crashes: installation.places.reduce((sum, { crashes }) => sum + crashes, 0),
    complaints: installation.places.flatMap(({ complaints }) => complaints),
    uploads: guests.reduce((sum, { uploads }) => sum + uploads.length, 0),
    audit: await audit(installation.postgres.url, guests, installation.server),
  }
}
