import { randomInt } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { ApiClient } from '../support/api-client.ts'
import { seeded, shuffled } from '../support/chaos.ts'
import { ClusterProcess, processSettings } from '../support/cluster.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { startMockLlm } from '../support/mock-llm.ts'
import { moved } from '../support/pace.ts'
import { killProcesses, startProcess } from '../support/processes.ts'
import { startRedis } from '../support/redis.ts'
import { Asker } from './asker.ts'
import { countOf } from './audit.ts'
import { ChaosPostgres } from './chaos-postgres.ts'
import { commitOf } from './commit.ts'
import { figuresOf, type KillFigures, killSection, killsIn } from './kill-figures.ts'
import { isKillPoint, KILL_POINTS, type KillPoint } from './kill-points.ts'
import { auditRows } from './row-audit.ts'
import { auditTools } from './tool-audit.ts'
import { KINDS, prepare } from './tool-deeds.ts'
import { Victim } from './victim.ts'

/**
 * `npm run kill-report` has agents use tools of a real server in `--runs` runs of every kind, while the processes that work for them are
 * killed with SIGKILL at each step of the tool ledger and at any moment, and compares what the server has seen and done with the rows.
 * Without a `--profile` both are tried, and docs/kill-report.md is written; `--seed` repeats the order. Exit code 1 says that
 * something was done twice, without a word, or not at all.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    profile: { type: 'string' },
    seed: { type: 'string' },
  },
})
const isProfile = (name: string): name is KillFigures['profile'] => name === 'embedded' || name === 'redis'
const runs = Number(values.runs)
const seed = Number(values.seed ?? randomInt(1_000_000))
const profiles = (values.profile === undefined ? ['embedded', 'redis'] : [values.profile]).filter(isProfile)
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed) || profiles.length === 0) {
  console.error('say: npm run kill-report -- [--runs N] [--profile embedded|redis] [--seed N]')
  process.exit(1)
}

/** Runs at once. */
const LANES = Math.min(16, runs)
const BEAT_MS = 5_000
/** People decide within this, or not at all. */
const APPROVAL_MS = '15000'
const FOLDER = '.bench'
const REPORT = resolve(import.meta.dirname, '../../docs/kill-report.md')
const HEAD = `# Kill report

\`npm run kill-report\`: a scripted model asks for tools of a real MCP server, which counts what it does in a process that lives on. The processes of ours that do the
work are killed with SIGKILL, each life at one step of the tool ledger or at any moment, and started again. Built-in tools, a provider's wire, HTTP, PostgreSQL
synced to disk and the queue are real; leases are those of the tests (3 s), a question stands ${Number(APPROVAL_MS) / 1_000} s. Where an outcome is unknown and a person is to judge,
they say yes or no at random: an effect that is seen once more then is one that somebody wanted.

A call that takes our key, or only reads, is started again as often as its turn is tried: unknown is what is left of one whose run was stopped, or whose turn was killed twenty times, which is then
given up (\`turn.gave_up\`). Such a run is counted here as failed by a fault of ours, which is a breach, although nothing was done twice.
One without a key that was killed in its first start is unknown, which its model is told, whether its effect was seen or not. What is done has been done; what was denied, has expired or was cancelled was never begun.
A ledger that starts whatever was open again was found out: 2 breaches in 39 runs.
`

let undo: (() => unknown)[] = []
async function close(): Promise<void> {
  const steps = undo.reverse()
  undo = []
  for (const step of steps) await step()
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void close().finally(() => killProcesses().finally(() => process.exit(130))))

const all: KillFigures[] = []
try {
  for (const profile of profiles) {
    const figures = await perform(profile).finally(close)
    all.push(figures)
    console.log(`\n${killSection(figures)}`)
    for (const [what, list] of Object.entries(figures.breaches))
      for (const one of list.slice(0, 5)) console.error(`${what}: ${one}`)
    const broken = countOf(figures.breaches)
    console.log(
      `${profile}: ${figures.runs} runs, ${killsIn(figures)} kills: ${broken === 0 ? 'each effect was wanted, and is in its row.' : `${broken} BROKEN`}`,
    )
  }
} finally {
  await killProcesses()
}
await mkdir(FOLDER, { recursive: true })
const file = join(FOLDER, `kills-${new Date().toISOString().replaceAll(':', '-')}.json`)
await writeFile(file, JSON.stringify(all, null, 2))
console.log(`JSON: ${relative('.', file)}`)
if (profiles.length > 1) await writeFile(REPORT, [HEAD, ...all.map(killSection)].join('\n'))
process.exit(all.every(({ breaches }) => countOf(breaches) === 0) ? 0 : 1)

async function perform(profile: KillFigures['profile']): Promise<KillFigures> {
  const startedAt = new Date()
  const [loadBefore = 0] = loadavg()
  const random = seeded(seed)
  const { llm, server, postgres, url, victims } = await open(profile, random)
  const askers = await Promise.all(
    Array.from({ length: LANES }, async () => {
      const owner = await prepare(await new ApiClient(url).register(), llm, server.url)
      return new Asker({ owner, url, llm, random })
    }),
  )
  const names = Object.fromEntries(
    KINDS.map(({ name }, at) => [name, Math.floor(runs / KINDS.length) + Number(at < runs % KINDS.length)]),
  )
  const kinds = shuffled(names, random).flatMap((name) => KINDS.find((kind) => kind.name === name) ?? [])
  const begunAt = performance.now()
  for (const victim of victims) victim.begin()
  // As long as somebody is killed and comes back, something moves.
  const beating = setInterval(moved, BEAT_MS)
  await Promise.all(
    askers.map(async (asker) => {
      for (let kind = kinds.shift(); kind; kind = kinds.shift()) {
        await asker.ask(kind).catch((error: unknown) => asker.faults.push(String(error)))
        const seconds = ((performance.now() - begunAt) / 1_000).toFixed(0)
        console.log(`  ${seconds.padStart(4)} s  ${kind.name}: ${asker.asked.at(-1)?.status}`)
      }
      // What is left is left to end.
      clearInterval(beating)
      for (const victim of victims) victim.spare()
    }),
  )
  const waiting = await Promise.all(askers.map((asker) => asker.waiting()))
  const seconds = (performance.now() - begunAt) / 1_000
  for (const victim of victims) await victim.stop()
  const asked = askers.flatMap((asker) => asker.asked)
  const db = new Client({ connectionString: postgres.url })
  await db.connect()
  const words = new Map(askers.flatMap((asker) => [...asker.words]))
  const [tools, rows] = [await auditTools(db, { server, words }), await auditRows(db, postgres.url)]
  const [{ lost }] = (await db.query('SELECT coalesce(sum(attempt - 1 - failures - waits), 0)::int AS lost FROM turns'))
    .rows
  await db.end()
  const killed = (point: KillPoint) => victims.reduce((sum, { kills }) => sum + (kills.get(point) ?? 0), 0)
  return {
    profile,
    startedAt: startedAt.toISOString(),
    commit: await commitOf(import.meta.dirname),
    seed,
    seconds,
    machine: { cores: cpus().length, node: process.version, loadBefore },
    runs: asked.length,
    lost,
    kills: Object.fromEntries(
      Object.keys(KILL_POINTS)
        .filter(isKillPoint)
        .map((point) => [point, killed(point)]),
    ),
    complaints: victims.flatMap(({ complaints }) => complaints),
    kinds: figuresOf(asked, tools),
    breaches: {
      ...tools.breaches,
      ...rows.duplicates,
      ...rows.losses,
      'questions that nobody is asked any more': waiting.flat(),
      'faults that people met': askers.flatMap(({ faults }) => faults),
    },
  }
}

/** All of it, with nobody killed yet. */
async function open(profile: KillFigures['profile'], random: () => number) {
  const folder = await mkdtemp(join(tmpdir(), 'kills-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const [postgres, llm, server] = await Promise.all([ChaosPostgres.start(), startMockLlm(), startMcpServer()])
  undo.push(
    () => postgres.stop(),
    () => llm.stop(),
    () => server.stop(),
  )
  const redis = profile === 'redis' ? await startRedis() : undefined
  if (profile === 'redis' && !redis) throw new Error('This profile needs a redis-server on the PATH.')
  undo.push(() => redis?.stop())
  const env = {
    ...processSettings({ llm }),
    SIGNUP_GRANT: '1000000000',
    DATABASE_WAIT_MS: '30000',
    DATA_DIR: join(folder, 'data'),
    APPROVAL_MS,
    DATABASE_URL: postgres.url,
    ...(redis && { REDIS_URL: redis.url }),
  }
  const seeding = startProcess('src/db.ts', { args: ['seed'], env })
  if ((await seeding.ended).code !== 0) throw new Error(`the database was not seeded:\n${seeding.output}`)
  const isWhole = profile === 'embedded'
  const victims = (isWhole ? ['embedded'] : ['worker-0', 'worker-1']).map(
    (name) => new Victim({ name, env, folder, isWhole, random }),
  )
  const web = new ClusterProcess('web', 'src/server.ts', env, true)
  undo.push(
    () => web.kill(),
    () => Promise.all(victims.map((victim) => victim.stop())),
  )
  await Promise.all([...victims.map((victim) => victim.start()), ...(isWhole ? [] : [web.start()])])
  return { llm, server, postgres, victims, url: victims.find(() => isWhole)?.url ?? web.url }
}
