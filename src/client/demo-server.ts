import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { z } from 'zod'

/** The first start makes a database, and may have to download its binaries. */
const START_MS = 120_000
const STOP_MS = 15_000
/** What is kept of the server's output, to say why it did not start. */
const TAIL_CHARS = 8_000

const health = z.object({ status: z.literal('ok') })

/** True when a Chatsparty server answers there. */
export async function isServing(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(3_000) })
    return health.safeParse(await response.json()).success
  } catch {
    return false
  }
}

/**
 * Starts a server (web and worker in one) as a child process and waits until it is ready.
 * @returns a function that stops it.
 * @throws Error that says in one line why it did not start.
 */
export async function startServer(url: string): Promise<() => Promise<void>> {
  const root = join(import.meta.dirname, '..', '..')
  // Of its own process group: Ctrl-C is for the demo, which then stops the server in good order.
  const child = spawn(process.execPath, [join(root, 'workers', `embedded${extname(import.meta.filename)}`)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let tail = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-TAIL_CHARS)
    })
  }
  const stop = () => stopChild(child)
  const deadline = Date.now() + START_MS
  while (!(await isReady(url))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The server did not start: ${reasonIn(tail)}`)
    if (Date.now() > deadline) {
      await stop()
      throw new Error(`The server did not get ready within ${START_MS / 1_000} s: ${reasonIn(tail)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return stop
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) }).then(
    (response) => response.ok,
    () => false,
  )
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}

/** The last line that says something, out of a log record if it is one. */
function reasonIn(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  const last = lines.at(-1)?.trim() ?? 'it said nothing'
  const record = /"msg":"((?:[^"\\]|\\.)*)"/.exec(last)?.[1]
  const reason = /"message":"((?:[^"\\]|\\.)*)"/.exec(last)?.[1]
  return [record, reason].filter(Boolean).join(': ') || last
}
