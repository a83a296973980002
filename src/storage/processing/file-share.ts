/** A file up to this size is small: it has places of its own, and little time, so that large ones keep it from neither. */
export const SMALL_FILE_BYTES = 262_144

export const isSmallFile = ({ size }: { size: number }): boolean => size <= SMALL_FILE_BYTES

const BYTES_PER_MB = 1_048_576

/**
 * How long reading a file may take, in milliseconds: by its size, between the least and the most. 1.3 KB that take a minute are an
 * attack; 5 MB may need it.
 */
export const timeForFile = (
  { size }: { size: number },
  { leastMs, perMbMs, mostMs }: { leastMs: number; perMbMs: number; mostMs: number },
): number => Math.min(mostMs, Math.round(leastMs + (size / BYTES_PER_MB) * perMbMs))
