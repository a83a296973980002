import type { ToolCallView } from '../contract/views.ts'

/** What a call was given, as it is shown: JSON, or where that was cut the text of it. */
export function inputOf({ args }: Pick<ToolCallView, 'args'>): unknown {
  try {
    return JSON.parse(args)
  } catch {
    return args
  }
}

/** Why a call came to nothing, in words: those of its tool, where it has said any. */
export const troubleOf = ({ status, result, errorCode }: ToolCallView): string => {
  if (status === 'unknown') return 'Nobody knows whether it did what it was called for.'
  if (status === 'cancelled') return 'It was stopped before it did anything.'
  return result ?? errorCode ?? status
}

/** What whoever decides on a call should know of it besides; undefined for nothing. */
export const doubtOf = ({ status, startedAt }: ToolCallView): string | undefined =>
  status === 'awaiting' && startedAt !== null
    ? 'It was started once, and nobody knows whether it did what it was called for.'
    : undefined

export const LATE = 'Nobody decided on it in time.'
