import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { networkDenial } from './network-denial.ts'
import { type ParsedChunk, type ParseMessage, parseMessage } from './protocol.ts'
import type { ParseRequest } from './request.ts'
import { placeUntyped } from './untyped-modules.ts'

export interface ParseLimits {
  /** Wall time of one file (FILE_PROCESS_TIMEOUT_MS). */
  timeoutMs: number
  /** Heap, and twice this of memory in all (FILE_PROCESS_MEMORY_MB). */
  memoryMb: number
  /** FILE_MAX_PAGES */
  maxPages: number
  /** FILE_TEXT_MAX_CHARS */
  maxTextChars: number
}

/** `done` and `rejected` are about the file; `crashed` is about the process, which it may or may not have been the fault of. */
export type ParseOutcome =
  | (Extract<ParseMessage, { type: 'done' }> & { chunks: ParsedChunk[] })
  | Extract<ParseMessage, { type: 'rejected' }>
  | { type: 'crashed'; reason: 'timeout' | 'memory' | 'exit'; detail: string }

const CHILD = fileURLToPath(
  new URL(`./child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
)
const HERE = dirname(CHILD)
const STORAGE = join(HERE, '..', '..', 'src', 'storage')
const SHARED = join(HERE, '..', '..', 'src', 'shared')
const MODULES = modulesFolder()
/** How often the process' memory is looked at: what a decoder takes outside of the heap, V8 does not limit. */
const MEMORY_LOOK_MS = 100
const STDERR_KEPT = 4_000
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024

function modulesFolder(): string {
  const found = createRequire(import.meta.url).resolve('pdfjs-dist/package.json')
  return found.slice(0, found.lastIndexOf(`${sep}node_modules${sep}`) + `${sep}node_modules`.length)
}

/**
 * Reads one file in a process of its own, which has no environment, may read nothing but its code and the file, may write only
 * into `folder`, has no network, and is killed when it takes too long or too much memory, or when the signal aborts (then this throws).
 */
export async function parseInProcess(
  file: Pick<ParseRequest, 'path' | 'folder' | 'name' | 'contentType'>,
  limits: ParseLimits,
  signal: AbortSignal,
): Promise<ParseOutcome> {
  signal.throwIfAborted()
  const request: ParseRequest = {
    ...file,
    maxPages: limits.maxPages,
    maxTextChars: limits.maxTextChars,
    maxUnpackedBytes: MAX_UNPACKED_BYTES,
    maxWholeBytes: Math.floor((limits.memoryMb * 1024 * 1024) / 2),
  }
  const [denial, first] = await Promise.all([networkDenial(), placeUntyped(file.folder)])
  signal.throwIfAborted()
  const child = start(request, limits, denial, first)
  let killed: 'timeout' | 'memory' | undefined
  const kill = (reason?: 'timeout' | 'memory') => {
    killed ??= reason
    child.kill('SIGKILL')
  }
  const timer = setTimeout(() => kill('timeout'), limits.timeoutMs)
  const looker = watchMemory(child, limits.memoryMb * 2, () => kill('memory'))
  const onAbort = () => kill()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('close', resolve)
      child.once('error', reject)
    })
    const [read, detail, code] = await Promise.all([readAnswer(child), readErrors(child), ended])
    signal.throwIfAborted()
    if (killed === undefined && code === 0 && read.last)
      return read.last.type === 'done' ? { ...read.last, chunks: read.chunks } : read.last
    return {
      type: 'crashed',
      reason: killed ?? (/out of memory|Allocation failed/i.test(detail) ? 'memory' : 'exit'),
      detail,
    }
  } finally {
    clearTimeout(timer)
    clearInterval(looker)
    signal.removeEventListener('abort', onAbort)
    child.kill('SIGKILL')
  }
}

/** `first`: a module that is imported before the program. */
function start(
  request: ParseRequest,
  limits: ParseLimits,
  denial: readonly string[],
  first: string | undefined,
): ChildProcess {
  const node = [
    process.execPath,
    `--max-old-space-size=${limits.memoryMb}`,
    '--disable-proto=delete',
    '--no-warnings',
    '--permission',
    // The image decoder is native code.
    '--allow-addons',
    ...[
      join(HERE, '*'),
      join(STORAGE, '*'),
      join(SHARED, '*'),
      join(MODULES, '*'),
      join(dirname(MODULES), 'package.json'),
      join(request.folder, '*'),
    ].map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${join(request.folder, '*')}`,
    ...(first === undefined ? [] : ['--import', pathToFileURL(first).href]),
    CHILD,
    JSON.stringify(request),
  ] as const
  const options = { env: {}, cwd: request.folder, stdio: ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'] }
  if (process.platform === 'win32') return spawn(node[0], node.slice(1), options)
  // Should this process be killed while the child is in a loop, nobody is left to stop it but the kernel.
  const cpuSeconds = String(Math.ceil(limits.timeoutMs / 1_000) * 2 + 1)
  return spawn('/bin/sh', ['-c', 'ulimit -t "$0"; exec "$@"', cpuSeconds, ...denial, ...node], options)
}

async function readAnswer(
  child: ChildProcess,
): Promise<{ chunks: ParsedChunk[]; last?: Exclude<ParseMessage, { type: 'chunk' }> }> {
  const chunks: ParsedChunk[] = []
  if (!child.stdout) return { chunks }
  for await (const line of linesOf(child.stdout)) {
    const message = parseMessage.safeParse(tryJson(line)).data
    // A line cut by a kill.
    if (!message) return { chunks }
    if (message.type !== 'chunk') return { chunks, last: message }
    chunks.push(message.chunk)
  }
  return { chunks }
}

/** Ends of lines are `\n` and nothing else: text may have the other signs that `readline` takes for one. */
async function* linesOf(stream: Readable): AsyncIterable<string> {
  const decoder = new TextDecoder()
  let pieces: string[] = []
  for await (const chunk of stream) {
    const [head = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n')
    pieces.push(head)
    for (const line of rest) {
      yield pieces.join('')
      pieces = [line]
    }
  }
  yield pieces.join('')
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

async function readErrors(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stderr ?? []) text = (text + String(chunk)).slice(-STDERR_KEPT)
  return text
}

/** Where there is no /proc, only the heap is limited. */
function watchMemory(child: ChildProcess, limitMb: number, onOver: () => void): NodeJS.Timeout {
  return setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
    if (kilobytes > limitMb * 1024) onOver()
  }, MEMORY_LOOK_MS)
}
