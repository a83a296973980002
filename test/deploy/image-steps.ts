import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

/** What the Dockerfile says of the image that it makes. */
export interface BuiltImage {
  /** Its root: what it has of its own are folders in it, the rest is this machine, read-only. */
  folder: string
  env: Record<string, string>
  user: string
  workdir: string
  command: string[]
  healthcheck: string[]
}

interface Stage {
  name: string
  folder: string
  env: Record<string, string>
  user: string
  workdir: string
  command: string[]
  healthcheck: string[]
}

/** The Dockerfile's instructions, one a line, without comments. */
async function instructions(): Promise<[word: string, rest: string][]> {
  const text = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, ' ')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const at = line.indexOf(' ')
      return [line.slice(0, at), line.slice(at + 1).trim()]
    })
}

/** Folders of the image itself. */
const OWN = ['app', 'data', 'tmp'] as const

/** A root for a stage: this machine stands for its base image. */
async function makeRoot(folder: string): Promise<void> {
  for (const name of OWN) await mkdir(join(folder, name), { recursive: true, mode: name === 'tmp' ? 0o1777 : 0o755 })
  for (const entry of await readdir('/', { withFileTypes: true })) {
    if (OWN.some((name) => name === entry.name)) continue
    if (entry.isSymbolicLink()) await symlink(await readlink(`/${entry.name}`), join(folder, entry.name))
    else if (entry.isDirectory()) await mkdir(join(folder, entry.name))
  }
}

/** The shell's words by which a command runs in a stage's root, everything of the machine being read-only there. */
export function within(folder: string, { tree }: { tree: 'writable' | 'read-only' }, then: string): string {
  const binds = ['bin', 'sbin', 'lib', 'lib64', 'usr', 'etc', 'dev', 'opt', 'var', 'root', 'home', 'run']
  const lines = binds.map(
    (name) => `[ -d /${name} ] && [ ! -L /${name} ] && mount --rbind /${name} ${folder}/${name}; :`,
  )
  // npm keeps its cache at home while the image is made; in what runs nothing can be written but /data and /tmp.
  const closed = tree === 'read-only' ? ['app', 'usr', 'etc', 'var', 'root', 'home', 'opt'] : []
  const closing = closed.flatMap((name) => [
    ...(name === 'app' ? [`mount --bind ${folder}/app ${folder}/app`] : []),
    `[ -d ${folder}/${name} ] && mount -o remount,ro,bind ${folder}/${name} 2>/dev/null; :`,
  ])
  return [...lines, ...closing, `mount -t proc proc ${folder}/proc`, then].join('\n')
}

/** What this has made here, of the same lock file, is what it would make there: a minute of CPU for the same files. */
const INSTALL = 'npm ci --no-audit --no-fund --loglevel=error'
const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), integrity: z.string().optional(), optional: z.boolean().optional() }),
  ),
})

/** Whether node_modules holds what package-lock.json says, by what npm has noted of it, and lies where it can be linked from. */
async function isInstalledHere(): Promise<boolean> {
  const read = async (path: string) => lockFile.parse(JSON.parse(await readFile(join(ROOT, path), 'utf8'))).packages
  const noted = await read('node_modules/.package-lock.json').catch(() => undefined)
  if (!noted || (await stat(ROOT)).dev !== (await stat(tmpdir())).dev) return false
  return Object.entries(await read('package-lock.json')).every(([path, { version, integrity, optional }]) => {
    const there = noted[path]
    return path === '' || (there ? there.version === version && there.integrity === integrity : optional === true)
  })
}

/** Performs the Dockerfile's steps below this folder, with this machine in the place of its base images. */
export async function buildImage(folder: string, say: (line: string) => void): Promise<BuiltImage> {
  const stages: Stage[] = []
  const current = (): Stage => {
    const stage = stages.at(-1)
    if (!stage) throw new Error('the Dockerfile begins with FROM')
    return stage
  }
  for (const [word, rest] of await instructions()) {
    say(`${word} ${rest.slice(0, 100)}`)
    switch (word) {
      case 'FROM': {
        const name = / AS (\S+)$/.exec(rest)?.[1] ?? `stage ${stages.length}`
        const stage = { name, folder: join(folder, `stage-${stages.length}`), env: {}, user: '0:0', workdir: '/' }
        await makeRoot(stage.folder)
        stages.push({ ...stage, command: [], healthcheck: [] })
        break
      }
      case 'WORKDIR':
        current().workdir = rest
        await mkdir(join(current().folder, rest), { recursive: true })
        break
      case 'ENV':
        for (const [, key = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) current().env[key] = value
        break
      case 'COPY':
        await copy(stages, current(), rest)
        break
      case 'RUN': {
        const { folder: root, workdir, env } = current()
        if (rest === INSTALL && (await isInstalledHere())) {
          await run('cp', ['-al', join(ROOT, 'node_modules'), join(root, workdir)])
          break
        }
        const script = join(folder, 'run.sh')
        // A mkdir of what is there already: the root has these folders from the start.
        await writeFile(script, `set -e\ncd ${workdir}\n${rest.replace(/\bmkdir \/data\b/, 'mkdir -p /data')}\n`)
        await cp(script, join(root, 'tmp/run.sh'))
        const inner = within(root, { tree: 'writable' }, `chroot ${root} sh /tmp/run.sh`)
        await run('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', inner], { env: { ...process.env, ...env } })
        await rm(join(root, 'tmp/run.sh'))
        break
      }
      case 'USER':
        current().user = rest
        break
      case 'CMD':
        current().command = JSON.parse(rest)
        break
      case 'HEALTHCHECK':
        current().healthcheck = JSON.parse(/CMD (.*)$/.exec(rest)?.[1] ?? '[]')
        break
      case 'EXPOSE':
        break
      default:
        throw new Error(`the check does not know the instruction ${word}`)
    }
  }
  const { folder: root, ...image } = current()
  return { folder: root, ...image }
}

async function copy(stages: Stage[], to: Stage, rest: string): Promise<void> {
  const words = rest.split(/\s+/)
  const from = /^--from=(\S+)$/.exec(words[0] ?? '')?.[1]
  if (from) words.shift()
  const target = words.pop() ?? ''
  const base = from ? stages.find(({ name }) => name === from)?.folder : ROOT
  if (!base) throw new Error(`there is no stage ${from}`)
  const isFolder = target.endsWith('/')
  for (const source of words) {
    if (!from) await requireNotIgnored(source)
    const place = resolve('/', to.workdir, target)
    await mkdir(join(to.folder, isFolder ? place : resolve(place, '..')), { recursive: true })
    // Hard links are kept, as the layers of an image keep them; of a stage that is over, nothing is copied at all.
    const into = isFolder ? `${join(to.folder, place)}/` : join(to.folder, place)
    const isThere = !isFolder && from !== undefined
    await run('cp', [from ? '-al' : '-a', isThere ? `${join(base, source)}/.` : join(base, source), into])
  }
}

/** What .dockerignore leaves out is not there to be copied. */
async function requireNotIgnored(source: string): Promise<void> {
  const lines = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n')
  if (!lines.includes(`!${source}`)) throw new Error(`.dockerignore leaves ${source} out`)
}
