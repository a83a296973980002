import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SetupError } from '../setup-error.ts'
import { type Account, fromInside, serverEnv } from './postgres-binaries.ts'

/** Crash recovery of a large log takes minutes, and is work that a second try would have to do again. */
const START_TIMEOUT_MS = 300_000
const STOP_TIMEOUT_MS = 30_000
/** How long a start may be in the way of what is left of the last one. */
const LAUNCH_RETRY_MS = 20_000
const RETRY_PAUSE_MS = 100
const POLL_MS = 20

/** A server that accepts connections on this port of 127.0.0.1. */
export type Server = { pid: number; port: number }

const run = promisify(execFile)

/** What the lock file of the server says; lines as in PostgreSQL's miscadmin.h. */
async function readPidFile(folder: string) {
  const text = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')
  const lines = text.split('\n').map((line) => line.trim())
  return text ? { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7] ?? '' } : undefined
}

/** An argument that makes the process of a folder recognisable: a setting that nobody reads. */
const markOf = (folder: string) => `chatsparty.folder=${folder}`

/** Whether the process is a live server of this folder: not a zombie, nor another program that has got its pid. */
async function isServer(pid: number, folder: string): Promise<boolean> {
  // A zombie's command line is empty.
  const command =
    process.platform === 'linux'
      ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      : await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).then(
          ({ stdout }) => stdout.trimEnd(),
          () => '',
        )
  return `${command.replaceAll('\0', ' ')} `.includes(` ${markOf(folder)} `)
}

/** A server that is to end with this process; `child` where this process has started it. */
type Held = { folder: string; child?: ChildProcess }

/** Servers of this process, by pid. */
const ours = new Map<number, Held>()

/**
 * Whether a server runs. A child of ours does until Node hears of its end: while it is exec'd its command line is empty, which on a
 * busy machine is long enough to be seen.
 */
async function runs(pid: number, folder: string): Promise<boolean> {
  const child = ours.get(pid)?.child
  return child ? child.exitCode === null && child.signalCode === null : isServer(pid, folder)
}

// However this process ends by itself (a second Ctrl-C, a crash), no server stays behind. A SIGKILL leaves it to be adopted.
process.on('exit', () => {
  for (const [pid, { folder, child }] of ours) {
    try {
      const isOurs = child || process.platform !== 'linux'
      const command = isOurs ? markOf(folder) : readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (command.includes(markOf(folder))) process.kill(pid, 'SIGINT')
    } catch {}
  }
})

/** Waits until the server accepts connections; undefined when it ended instead. */
async function untilReady(folder: string, pid: number): Promise<Server | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (await runs(pid, folder)) {
    const found = await readPidFile(folder)
    if (found?.pid === pid && found.status === 'ready') return { pid, port: found.port }
    if (Date.now() > deadline) throw new SetupError(`PostgreSQL in ${folder} (pid ${pid}) does not become ready.`)
    await sleep(POLL_MS)
  }
  return undefined
}

async function untilGone(folder: string, pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (await runs(pid, folder)) {
    if (Date.now() > deadline) return false
    await sleep(POLL_MS)
  }
  return true
}

/** The server that a killed parent left running, if there is one; clears the lock file of a dead one. */
export async function adopt(folder: string): Promise<Server | undefined> {
  const found = await readPidFile(folder)
  // Waiting also covers a server that is still recovering, or on its way down: that one ends.
  const server = found && (await untilReady(folder, found.pid))
  if (server && !ours.has(server.pid)) ours.set(server.pid, { folder })
  if (found && !server) await rm(join(folder, 'postmaster.pid'), { force: true })
  return server
}

export interface LaunchOptions {
  folder: string
  postgres: string
  account: Account
  /** File of the server's log; that of the last start is kept as `<log>.old`. */
  log: string
  /** Taken when it is free. */
  port: number | undefined
  maxConnections: number
  fsync: boolean
}

/** Starts a server on a whole cluster and waits until it accepts connections; crash recovery included. */
export async function launch({ log, ...options }: LaunchOptions): Promise<Server> {
  const deadline = Date.now() + LAUNCH_RETRY_MS
  await rename(log, `${log}.old`).catch(() => undefined)
  for (let wanted = options.port; ; wanted = undefined) {
    const server = await launchOnce(options, await freePort(wanted), log)
    if (server) return server
    const reason = (await readFile(log, 'utf8')).trim().split('\n').slice(-5).join('\n')
    // Somebody took the port since we looked; a query of a server that was killed is still on its way out; or a server that another
    // of ours was killed right behind the start of has come up meanwhile.
    const passes = /could not bind|pre-existing shared memory|lock file "postmaster.pid"/.test(reason)
    if (!passes || Date.now() > deadline) {
      throw new SetupError(`PostgreSQL did not start in ${options.folder}; ${log} ends with:\n${reason}`)
    }
    await sleep(RETRY_PAUSE_MS)
    const found = await adopt(options.folder)
    if (found) return found
  }
}

async function launchOnce(options: Omit<LaunchOptions, 'log'>, port: number, log: string): Promise<Server | undefined> {
  const { folder, account } = options
  const settings = [
    markOf(folder),
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${options.maxConnections}`,
    'shared_buffers=128MB',
    'timezone=UTC',
    'log_timezone=UTC',
    'log_checkpoints=off',
    ...(options.fsync ? [] : ['fsync=off', 'full_page_writes=off']),
  ]
  const args = ['-D', fromInside(account, folder), ...settings.flatMap((setting) => ['-c', setting])]
  const output = await open(log, 'w', 0o600)
  try {
    // Detached: a session of its own, so that Ctrl-C in a terminal does not reach the server before we have drained.
    const stdio = ['ignore', output.fd, output.fd] as const
    const child = spawn(options.postgres, args, {
      ...account,
      cwd: folder,
      env: serverEnv,
      detached: true,
      stdio: [...stdio],
    })
    await once(child, 'spawn')
    child.unref()
    const pid = child.pid ?? 0
    ours.set(pid, { folder, child })
    const server = await untilReady(folder, pid)
    if (!server) ours.delete(pid)
    return server
  } finally {
    await output.close()
  }
}

/** `wanted` when nobody listens on it, else any free port of 127.0.0.1. */
async function freePort(wanted = 0): Promise<number> {
  const probe = createServer()
  try {
    probe.listen(wanted, '127.0.0.1')
    await once(probe, 'listening')
    const address = probe.address()
    return typeof address === 'object' && address ? address.port : 0
  } catch (error) {
    if (wanted === 0) throw error
    return freePort()
  } finally {
    probe.close()
  }
}

/** Fast shutdown: sessions are ended, the data is checkpointed. Waits for its end. */
export async function shutDown(folder: string, pid: number): Promise<void> {
  if (await runs(pid, folder)) {
    process.kill(pid, 'SIGINT')
    if (!(await untilGone(folder, pid, STOP_TIMEOUT_MS))) {
      // Immediate shutdown: the next start recovers what was committed from the log.
      process.kill(pid, 'SIGQUIT')
      if (!(await untilGone(folder, pid, STOP_TIMEOUT_MS))) {
        throw new SetupError(`PostgreSQL in ${folder} (pid ${pid}) does not stop.`)
      }
    }
  }
  ours.delete(pid)
}
