import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './processes.ts'

/** Debian has it in /usr/sbin, which is on root's PATH only. */
const PATH = `${process.env.PATH}:/usr/sbin`

export type PoolMode = 'session' | 'transaction'

/** A PgBouncer of the test's own before one database. It dies with the test process. */
export interface PgBouncer {
  /** The same database, through it. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts a PgBouncer before the server of this address.
 * @returns undefined when there is no pgbouncer (then the caller skips), unless REQUIRE_PGBOUNCER=1
 */
export async function startPgBouncer(databaseUrl: string, mode: PoolMode): Promise<PgBouncer | undefined> {
  if (spawnSync('pgbouncer', ['--version'], { env: { PATH } }).status !== 0) {
    if (process.env.REQUIRE_PGBOUNCER === '1') throw new Error('REQUIRE_PGBOUNCER=1, but there is no pgbouncer')
    return undefined
  }
  const { hostname, port, username, password, pathname } = new URL(databaseUrl)
  const listen = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'))
  const file = join(folder, 'pgbouncer.ini')
  // Nothing that Debian's file has not: what works here works with what people have.
  writeFileSync(
    file,
    `[databases]
* = host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${mode === 'session' ? 60 : 12}
max_client_conn = 300
`,
    { mode: 0o600 },
  )
  // It refuses to run as root.
  const account = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  if (account.uid !== undefined) {
    for (const path of [folder, file]) chownSync(path, account.uid, account.gid)
    chmodSync(folder, 0o700)
  }
  const child = spawn('pgbouncer', [file], { ...account, env: { PATH }, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
  const kill = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', kill)
  await untilUp(child)
  const url = `postgres://${username}:unused@127.0.0.1:${listen}${pathname}`
  return {
    url,
    stop: async () => {
      process.removeListener('exit', kill)
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      kill()
      await ended
    },
  }
}

const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))

async function untilUp(child: ChildProcess): Promise<void> {
  if (!child.stderr) throw new Error('its words are not heard')
  let words = ''
  for await (const line of createInterface({ input: child.stderr })) {
    words += `${line}\n`
    if (/process up/.test(line)) {
      child.stderr.resume()
      return
    }
  }
  throw new Error(`pgbouncer ended:\n${words}`)
}
