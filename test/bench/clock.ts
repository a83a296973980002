/** Ms since 1970, to a few microseconds: what processes of one machine have in common, and `Date.now()` rounds. */
export const wallMs = (): number => performance.timeOrigin + performance.now()

/** A time as a word of a stream: microseconds in base 36. */
export const stamp = (ms: number): string => Math.round(ms * 1_000).toString(36)
export const readStamp = (word: string): number => Number.parseInt(word, 36) / 1_000
