import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { FOLDER_REMEDY, SetupError } from '../setup-error.ts'
import { lockDataFolder } from './data-folder-lock.ts'
import {
  type Account,
  accountFor,
  type Binaries,
  findBinaries,
  fromInside,
  own,
  runnableBy,
  serverEnv,
} from './postgres-binaries.ts'
import { adopt, launch, shutDown } from './postgres-server.ts'
import {
  type EmbeddedState,
  embeddedState,
  productUrl,
  SUPERUSER,
  setUpDatabase,
  superuserUrl,
} from './product-role.ts'

export interface EmbeddedPostgresOptions {
  /** Folder of everything this installation keeps; made when missing. The cluster is `<dataDir>/postgres`. */
  dataDir: string
  logger: Logger
  /** Default 200. An adopted server keeps what it was started with. */
  maxConnections?: number
  /** False only for clusters that are thrown away: after a crash of the machine their data is garbage. */
  fsync?: boolean
}

export interface EmbeddedPostgres {
  /** postgres:// address of the database `chatsparty`, for the role that owns it and is no superuser; it holds the password. */
  url: string
  /** The same for the superuser: for what an administrator does, never for the product. */
  superUrl: string
  /** True when the server was already running: it outlived a killed parent. */
  adopted: boolean
  /** Fast shutdown, waits for its end, then frees the data folder. Calling it again is harmless. */
  stop(): Promise<void>
}

type Site = Binaries & { dataDir: string; folder: string; account: Account; fsync: boolean }

const run = promisify(execFile)

/**
 * Brings a real PostgreSQL up on `<dataDir>/postgres`, from whatever the last process left: nothing, an initdb that was
 * killed, a clean or crashed cluster, or a server that still runs because only its parent was killed.
 *
 * The server listens on 127.0.0.1 only, with a generated password (SCRAM) that is kept with the port in
 * `<dataDir>/postgres.json` (mode 0600). It runs in a session of its own, so that Ctrl-C in a terminal reaches only us.
 *
 * PostgreSQL refuses to run as root. Started by root it runs as the owner of the cluster, else as the system account
 * `postgres`, which is made when missing. That account may be shut out of the folders above (a clone in /root): on Linux
 * the server then reaches its data as `/proc/self/cwd`, which needs no right on the parents of the working
 * directory it was started in, and its binaries are copied to /var/lib/chatsparty.
 *
 * @throws SetupError when another process holds the folder, or this machine cannot run it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const startedAt = performance.now()
  const dataDir = await makeFolder(options.dataDir)
  const folder = join(dataDir, 'postgres')
  const release = await lockDataFolder(dataDir)
  try {
    const account = await accountFor(folder)
    const binaries = await runnableBy(account, await findBinaries())
    const site: Site = { dataDir, folder, ...binaries, account, fsync: options.fsync ?? true }
    if (!(await hasCluster(site))) await initialise(site)
    const state = await completeState(site)
    const running = await adopt(folder)
    const { port } = state
    const log = join(dataDir, 'postgres.log')
    const server = running ?? (await launch({ ...site, log, port, maxConnections: options.maxConnections ?? 200 }))
    if (server.port !== port) await writeState(site, { ...state, port: server.port })
    const superUrl = superuserUrl(state.password, server.port)
    const url = productUrl(state.rolePassword, server.port)
    let stopping: Promise<void> | undefined
    const stop = () => {
      stopping ??= shutDown(folder, server.pid).finally(release)
      return stopping
    }
    try {
      await setUpDatabase(superUrl, state.rolePassword)
    } catch (error) {
      await stop()
      throw error
    }
    const ms = Math.round(performance.now() - startedAt)
    options.logger.info({ folder, port: server.port, adopted: running !== undefined, ms }, 'embedded PostgreSQL is up')
    return { url, superUrl, adopted: running !== undefined, stop }
  } catch (error) {
    release()
    throw error
  }
}

async function makeFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    return await realpath(path)
  } catch (error) {
    throw new SetupError(`The data folder ${path} cannot be made: ${messageOf(error)}. ${FOLDER_REMEDY}`)
  }
}

async function hasCluster(site: Site): Promise<boolean> {
  const version = await readFile(join(site.folder, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new SetupError(`${site.folder} cannot be read (${error.code}): was it made by root? ${FOLDER_REMEDY}`)
  })
  if (version === undefined) return false
  const { stdout } = await run(site.postgres, ['--version'], { cwd: '/', env: serverEnv })
  if (!stdout.includes(` ${version.trim()}.`)) {
    throw new SetupError(
      `${site.folder} was written by PostgreSQL ${version.trim()}, this is${stdout.slice(stdout.lastIndexOf(' ')).trimEnd()}. Restore a dump into a new DATA_DIR, or go back to the old version.`,
    )
  }
  return true
}

/** initdb in a folder beside, renamed at the end: a cluster under its name is whole, whenever we were killed. */
async function initialise(site: Site): Promise<void> {
  const prefix = 'postgres.init-'
  for (const name of await readdir(site.dataDir)) {
    if (name.startsWith(prefix)) await rm(join(site.dataDir, name), { recursive: true, force: true, maxRetries: 5 })
  }
  const staging = await mkdtemp(join(site.dataDir, prefix))
  const password = newPassword()
  const passwordFile = `${staging}.password`
  await writeFile(passwordFile, password, { mode: 0o600 })
  await own(site.account, staging, passwordFile)
  const args = [`--pgdata=${fromInside(site.account, staging)}`, `--username=${SUPERUSER}`, '--auth=scram-sha-256']
  // PostgreSQL's own C.UTF-8: the same order on every machine, whatever its libc has.
  args.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  if (!site.fsync) args.push('--no-sync')
  // By its path the other account might not reach the file, as an open one it does.
  args.push(`--pwfile=${site.account.uid === undefined ? passwordFile : '/dev/stdin'}`)
  const input = await open(passwordFile)
  try {
    const options = { ...site.account, cwd: staging, env: serverEnv }
    const child = spawn(site.initdb, args, { ...options, stdio: [input.fd, 'ignore', 'pipe'] })
    const [[code], errors] = await Promise.all([once(child, 'exit'), child.stderr ? text(child.stderr) : ''])
    if (code !== 0) throw new Error(errors.trim())
    await writeState(site, { password, rolePassword: newPassword() })
    await rename(staging, site.folder)
  } catch (error) {
    throw new SetupError(`A database could not be made in ${site.folder}: ${messageOf(error)}. ${FOLDER_REMEDY}`)
  } finally {
    await input.close()
    await rm(passwordFile, { force: true })
    await rm(staging, { recursive: true, force: true, maxRetries: 5 })
  }
}

const newPassword = (): string => randomBytes(24).toString('base64url')

const statePath = (site: Site) => join(site.dataDir, 'postgres.json')

/** What is kept of the cluster; one from before the product had a role of its own gets a password for it. */
async function completeState(site: Site): Promise<EmbeddedState & { rolePassword: string }> {
  const state = await readState(site)
  if (state.rolePassword !== undefined) return { ...state, rolePassword: state.rolePassword }
  const complete = { ...state, rolePassword: newPassword() }
  await writeState(site, complete)
  return complete
}

async function readState(site: Site): Promise<EmbeddedState> {
  try {
    return embeddedState.parse(JSON.parse(await readFile(statePath(site), 'utf8')))
  } catch (error) {
    throw new SetupError(
      `${statePath(site)}, which holds the password of ${site.folder}, cannot be read: ${messageOf(error)}. Restore it, or set DATA_DIR to a new folder.`,
    )
  }
}

async function writeState(site: Site, state: EmbeddedState): Promise<void> {
  const next = `${statePath(site)}.next`
  await writeFile(next, JSON.stringify(state), { mode: 0o600 })
  await rename(next, statePath(site))
}
