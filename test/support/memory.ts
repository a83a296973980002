import { readFile } from 'node:fs/promises'

/**
 * Resident memory of a process in bytes: what it has now, and the most that it ever had. That is the kernel's own high-water mark,
 * so nothing between two looks is missed.
 */
export async function memoryOf(pid: number | 'self'): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1_024
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
}
