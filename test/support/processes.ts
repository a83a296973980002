import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { moved, QUIET_MS } from './pace.ts'

export interface ProcessOptions {
  args?: string[]
  /**
   * The whole environment besides PATH, HOME, TMPDIR, NODE_ENV=test (unless given) and what coverage needs: a developer's
   * DATABASE_URL or API keys must not reach a test.
   */
  env?: Record<string, string | undefined>
  /** Working directory; by default a new empty folder, so that no `.env` is read and `.data` is the process's own. */
  cwd?: string
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A real process of ours. It is killed at the end of the test run at the latest. */
export interface TestProcess {
  readonly pid: number
  readonly cwd: string
  /** What it wrote so far, stdout and stderr as they came. */
  readonly output: string
  /** Settles when it has ended, however it ended. */
  readonly ended: Promise<Ended>
  /**
   * The first line that matches, of those already written too.
   * @throws Error with the output when the process ends first, or says nothing at all for `quietMs` (default a minute).
   */
  waitForLine(pattern: RegExp, quietMs?: number): Promise<RegExpExecArray>
  /** Sends the signal (default SIGTERM) and waits for the end; harmless when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<Ended>
  /** As `kill`, but to this process alone where it leads a group, as a supervisor does. */
  killAlone(signal?: NodeJS.Signals): Promise<Ended>
}

const ROOT = resolve(import.meta.dirname, '../..')
/** Compiled code of what all of them import: halves the work of a start. */
const COMPILED = join(tmpdir(), 'node-compile-cache')
const running = new Set<SpawnedProcess>()
const manifest = z.object({ scripts: z.record(z.string(), z.string()) })

/** Runs `node <entry>`; `entry` is relative to the repository, as in `workers/main.ts`. */
export function startProcess(entry: string, options: ProcessOptions = {}): TestProcess {
  return new SpawnedProcess([process.execPath, resolve(ROOT, entry)], options)
}

/**
 * Runs `npm <args>` in the repository as a terminal does: npm and what it starts are one process group, and signals are sent to
 * all of it, as Ctrl-C is.
 */
export function startNpm(args: string[], options: Omit<ProcessOptions, 'cwd'> = {}): TestProcess {
  return startProgram(['npm', ...args], options)
}

/** Runs a program of the system in the repository, as the leader of a process group, which `kill` signals as a whole. */
export function startProgram(command: string[], options: Omit<ProcessOptions, 'cwd'> = {}): TestProcess {
  return new SpawnedProcess(command, { ...options, cwd: ROOT }, true)
}

/** The processes that this one has started itself and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/** The flags with which `npm run <script>` starts node, for NODE_OPTIONS: tests and benches measure that process, not a better one. */
export async function flagsOf(script: 'start' | 'web' | 'worker'): Promise<string> {
  const { scripts } = manifest.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')))
  // What is before it, such as the build of the console, has arguments of its own.
  const last = scripts[script]?.split('&&').at(-1)
  return (last?.match(/ --\S+/g) ?? []).join('').trim()
}

/** Kills every process that still runs, with SIGKILL. */
export async function killProcesses(): Promise<void> {
  await Promise.all([...running].map((child) => child.kill('SIGKILL')))
}

// Also when the run itself ends early, by a crash or process.exit().
process.on('exit', () => {
  for (const child of running) child.abandon()
})

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

class SpawnedProcess implements TestProcess {
  readonly cwd: string
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  readonly #ownFolder: boolean
  readonly #isGroup: boolean
  readonly #lines: string[] = []
  readonly #waiting = new Set<(line: string) => void>()

  constructor([file = '', ...before]: string[], { args = [], env = {}, cwd }: ProcessOptions, isGroup = false) {
    this.#isGroup = isGroup
    this.#ownFolder = cwd === undefined
    this.cwd = cwd ?? mkdtempSync(join(tmpdir(), 'process-'))
    const { PATH, HOME, TMPDIR, NODE_V8_COVERAGE } = process.env
    this.#child = spawn(file, [...before, ...args], {
      cwd: this.cwd,
      env: { PATH, HOME, TMPDIR, NODE_V8_COVERAGE, NODE_COMPILE_CACHE: COMPILED, NODE_ENV: 'test', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: isGroup,
    })
    running.add(this)
    for (const input of [this.#child.stdout, this.#child.stderr]) {
      if (input) createInterface({ input }).on('line', (line) => this.#take(line))
    }
    // `close` and not `exit`: the last lines have been read then.
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#forget()
      return { code, signal }
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get output(): string {
    return this.#lines.join('\n')
  }

  async waitForLine(pattern: RegExp, quietMs = QUIET_MS): Promise<RegExpExecArray> {
    for (const line of this.#lines) {
      const match = pattern.exec(line)
      if (match) return match
    }
    return new Promise((found, fail) => {
      const giveUp = (why: string) => {
        settle()
        fail(new Error(`${why} without a line like ${pattern}. Its output:\n${this.output}`))
      }
      const look = (line: string) => {
        timer.refresh()
        const match = pattern.exec(line)
        if (!match) return
        settle()
        found(match)
      }
      const timer = setTimeout(() => giveUp(`The process said nothing for ${quietMs} ms`), quietMs)
      const settle = () => {
        clearTimeout(timer)
        this.#waiting.delete(look)
      }
      this.#waiting.add(look)
      void this.ended.then(({ code, signal }) => {
        if (this.#waiting.has(look)) giveUp(`The process ended (${signal ?? `code ${code}`})`)
      })
    })
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.#send(signal)
    return this.ended
  }

  killAlone(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.#child.kill(signal)
    return this.ended
  }

  /** For the moment when nothing can be awaited any more. */
  abandon(): void {
    this.#send('SIGKILL')
    this.#forget()
  }

  #send(signal: NodeJS.Signals): void {
    if (!this.#isGroup) this.#child.kill(signal)
    else if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-this.pid, signal)
  }

  #take(line: string): void {
    moved()
    this.#lines.push(line)
    for (const look of [...this.#waiting]) look(line)
  }

  #forget(): void {
    running.delete(this)
    if (this.#ownFolder) rmSync(this.cwd, { recursive: true, force: true })
  }
}
