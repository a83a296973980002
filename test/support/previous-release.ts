import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../..')
/** Where nothing is tagged yet, this file names the commit that counts as the release before. */
const RECORDED = join(ROOT, 'test/previous-release')
/** On the disk of the packages, and in nobody's way. */
const FOLDER = join(ROOT, '.bench')

const run = promisify(execFile)
const git = async (...args: string[]) => (await run('git', args, { cwd: ROOT })).stdout.trim()
const manifest = z.object({ dependencies: z.record(z.string(), z.string()) })

/** The code of the release before, in a folder of its own beside the packages of this one. */
export interface PreviousRelease {
  /** Its tag, or the recorded commit. */
  name: string
  /** Absolute path of one of its files, as `startProcess` takes it. */
  entry(path: string): string
  remove(): Promise<void>
}

/**
 * Unpacks the newest tag before this commit, else the recorded commit.
 * @returns a sentence in place of a release, where it cannot be had: no git history here, or other packages than those installed
 */
export async function unpackPreviousRelease(): Promise<PreviousRelease | string> {
  const name = await git('describe', '--tags', '--abbrev=0', 'HEAD^').catch(async () =>
    (await readFile(RECORDED, 'utf8')).trim(),
  )
  const known = await git('cat-file', '-e', `${name}^{commit}`).then(
    () => true,
    () => false,
  )
  if (!known) return `the git history here does not reach ${name}`
  const differing = await differingPackages(name)
  if (differing.length > 0) return `${name} was released with other packages: ${differing.join(', ')}`
  await mkdir(FOLDER, { recursive: true })
  const folder = await mkdtemp(join(FOLDER, 'previous-release-'))
  const archive = join(folder, 'release.tar')
  await git('archive', '--output', archive, name)
  await run('tar', ['--extract', '--file', archive, '--directory', folder])
  await rm(archive)
  // Hard links: what reads files may open its packages in their own place alone, which a symbolic link would not be.
  await run('cp', ['-al', join(ROOT, 'node_modules'), join(folder, 'node_modules')])
  return {
    name,
    entry: (path) => join(folder, path),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** What it runs on and this release does not, in the same version. */
async function differingPackages(name: string): Promise<string[]> {
  const before = manifest.parse(JSON.parse(await git('show', `${name}:package.json`)))
  const now = manifest.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')))
  return Object.entries(before.dependencies).flatMap(([dependency, version]) =>
    now.dependencies[dependency] === version ? [] : `${dependency} ${version}`,
  )
}
