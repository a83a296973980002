import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { runSql } from '../support/global-fixtures.ts'
import { childrenOf } from '../support/processes.ts'

/** A slow disk: each flush of the log waits for so many microseconds longer (the most that the server takes). */
const FLUSH_DELAY_US = 100_000

/** A PostgreSQL of one's own, synced to disk as in production, that dies, freezes and slows down as it is told. */
export class ChaosPostgres {
  readonly #dataDir: string
  #server: EmbeddedPostgres

  private constructor(dataDir: string, server: EmbeddedPostgres) {
    this.#dataDir = dataDir
    this.#server = server
  }

  static async start(): Promise<ChaosPostgres> {
    const dataDir = await mkdtemp(join(tmpdir(), 'chatsparty-chaos-'))
    const postgres = new ChaosPostgres(dataDir, await open(dataDir))
    await migrate(postgres.url)
    return postgres
  }

  /** The same through all its lives. */
  get url(): string {
    return this.#server.url
  }

  /** `fast` ends every session and writes all down; `immediate` is a crash, from which the next start recovers. */
  async restart(how: 'fast' | 'immediate'): Promise<void> {
    if (how === 'immediate') process.kill(await this.#pid(), 'SIGQUIT')
    await this.#server.stop()
    this.#server = await open(this.#dataDir)
  }

  /** All its processes stand still, as with a disk that answers nothing. */
  async freeze(ms: number): Promise<void> {
    const postmaster = await this.#pid()
    const all = [postmaster, ...(await childrenOf(postmaster))]
    for (const pid of all) signal(pid, 'SIGSTOP')
    await delay(ms)
    for (const pid of all) signal(pid, 'SIGCONT')
  }

  /** Every commit waits for a disk that takes its time. */
  async slowDown(ms: number): Promise<void> {
    await this.#delayFlushes(FLUSH_DELAY_US)
    await delay(ms)
    await this.#delayFlushes(0)
  }

  async stop(): Promise<void> {
    await this.#server.stop()
    await rm(this.#dataDir, { recursive: true, force: true, maxRetries: 5 })
  }

  #delayFlushes(us: number): Promise<void> {
    return runSql(
      this.#server.superUrl,
      `ALTER SYSTEM SET commit_delay = ${us}`,
      `ALTER SYSTEM SET commit_siblings = 0`,
      'SELECT pg_reload_conf()',
    )
  }

  async #pid(): Promise<number> {
    const file = await readFile(join(this.#dataDir, 'postgres', 'postmaster.pid'), 'utf8')
    return Number(file.split('\n')[0])
  }
}

const open = (dataDir: string) => startEmbeddedPostgres({ dataDir, logger: silentLogger, maxConnections: 300 })

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // A session that has ended meanwhile.
  }
}
