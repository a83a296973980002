/**
 * `npm run dev`: runs a program and starts it again after every save. `node workers/dev.ts ENTRY FOLDER...`
 *
 * Node's own `--watch` watches files, and goes deaf for one that an editor saves by renaming another over it; chokidar
 * watches folders. The program is asked to end (SIGTERM) and waited for, so that it never meets itself on the port or the data.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { watch } from 'chokidar'

/** Saves that come together are one change, in ms. */
const TOGETHER_MS = 100
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const [entry = '', ...folders] = process.argv.slice(2)
let child: ChildProcess | undefined
let ending: NodeJS.Signals | undefined
let isRestarting = false
/** Something was saved since the program was told to start. */
let isStale = false

const isAlive = (process: ChildProcess | undefined): process is ChildProcess =>
  process !== undefined && process.exitCode === null && process.signalCode === null

async function end(signal: NodeJS.Signals): Promise<void> {
  if (!isAlive(child)) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

function start(): void {
  // Words under way are not worth the wait for a restart: they are handed back, and go on after it.
  child = spawn(process.execPath, [entry], { stdio: 'inherit', env: { DRAIN_MS: '500', ...process.env } })
  child.on('exit', (code) => {
    if (!ending && !isRestarting)
      say(`${entry} ended${code ? ` with code ${code}` : ''}: the next save starts it again.`)
  })
}

async function restart(path: string): Promise<void> {
  isStale = true
  if (isRestarting) return
  isRestarting = true
  while (isStale && !ending) {
    isStale = false
    say(`${path} was saved: starting again.`)
    await end('SIGTERM')
    if (!ending) start()
  }
  isRestarting = false
}

let timer: NodeJS.Timeout | undefined
watch(folders, { ignoreInitial: true })
  .on('all', (_event, path) => {
    if (!path.endsWith('.ts')) return
    clearTimeout(timer)
    timer = setTimeout(() => void restart(path), TOGETHER_MS)
  })
  .on('ready', start)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, async () => {
    ending ??= signal
    await end(signal)
    process.exit(child?.exitCode ?? 128 + constants.signals[signal])
  })
}
