import type { ByteRange } from './store/store.ts'

/**
 * The range that a request asks for, of `size` bytes; `undefined` means all of it (no range, one that is not understood, or several,
 * which may be answered whole), 'unsatisfiable' is a 416.
 * @example byteRange('bytes=-5', 100) // { start: 95, end: 99 }
 */
export function byteRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(header ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (!first && !last) return undefined
  if (!first) {
    const length = Math.min(Number(last), size)
    return length > 0 ? { start: size - length, end: size - 1 } : 'unsatisfiable'
  }
  const start = Number(first)
  const end = last ? Math.min(Number(last), size - 1) : size - 1
  if (last && Number(last) < start) return undefined
  return start < size ? { start, end } : 'unsatisfiable'
}
