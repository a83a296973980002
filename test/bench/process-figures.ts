import { readdir, readFile } from 'node:fs/promises'

/** The kernel counts processor time in hundredths of a second (USER_HZ, the same on every Linux we run on). */
const MS_PER_TICK = 10

/** Field numbers of proc(5), counted from behind the name, which may hold blanks and brackets. */
const PARENT = 1
const TIMES = { own: [11, 12], ofReapedChildren: [13, 14] }

/** Processor time of one process, user and system, in ms; of children only what `ofReapedChildren` adds. */
async function stat(pid: number): Promise<{ parent: number; own: number; ofReapedChildren: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const sum = (places: number[]) => places.reduce((total, place) => total + Number(fields[place]) * MS_PER_TICK, 0)
  return { parent: Number(fields[PARENT]), own: sum(TIMES.own), ofReapedChildren: sum(TIMES.ofReapedChildren) }
}

/** Processor time of a process so far, in ms; 0 when it has ended. */
export const cpuOf = async (pid: number): Promise<number> => (await stat(pid))?.own ?? 0

/** Processor time of a process and all its direct children, past ones too, in ms: PostgreSQL has a process a connection. */
export async function cpuOfFamily(pid: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.map(stat))
  const self = await stat(pid)
  const children = all.reduce((sum, one) => sum + (one?.parent === pid ? one.own : 0), 0)
  return (self?.own ?? 0) + (self?.ofReapedChildren ?? 0) + children
}

/** How to read the processor time of each of several processes, by name. */
export type CpuProbes = Record<string, () => Promise<number>>

/** What `work` cost each process, in ms. */
export async function cpuDuring<T>(
  probes: CpuProbes,
  work: () => Promise<T>,
): Promise<{ result: T; cpu: Record<string, number> }> {
  const names = Object.keys(probes)
  const read = () => Promise.all(names.map((name) => probes[name]?.() ?? Number.NaN))
  const before = await read()
  const result = await work()
  const after = await read()
  const used = names.map((name, i) => [name, (after[i] ?? Number.NaN) - (before[i] ?? Number.NaN)])
  return { result, cpu: Object.fromEntries(used) }
}

/** Processor time of all processes together. */
export const totalOf = (cpu: Record<string, number>): number => Object.values(cpu).reduce((total, ms) => total + ms, 0)
