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
export function doubtOf({ status, startedAt, args }: ToolCallView): string | undefined {
  if (status !== 'awaiting') return undefined
  const doubts = [...(startedAt !== null ? [STARTED_ONCE] : []), ...(isCut(args) ? [NOT_ALL] : [])]
  return doubts.join(' ') || undefined
}

const STARTED_ONCE = 'It was started once, and nobody knows whether it did what it was called for.'
/** Who has an agent write much could else hide at its end what is asked for. */
const NOT_ALL = 'This is only the beginning of what it is given: all of it is in the list of approvals.'

/** What has all its signs is JSON. */
const isCut = (args: string): boolean => typeof inputOf({ args }) === 'string'

export const LATE = 'Nobody decided on it in time.'
