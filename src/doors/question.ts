import { z } from 'zod'
import { isGuid } from '../contract/inputs.ts'
import type { ToolCallView } from '../contract/views.ts'

const AGAIN = '.again'

/**
 * How doors name what somebody is asked about a call: by its id, and otherwise when it is asked whether to start it again. A window in which the
 * first question still stands has no word on the second.
 */
export const questionOf = ({ id, startedAt }: Pick<ToolCallView, 'id' | 'startedAt'>): string =>
  startedAt === null ? id : id + AGAIN

/** Which call it is about, and whether that had been started when it was asked. */
export const askedBy = (question: string): { id: string; wasStarted: boolean } => {
  const wasStarted = question.endsWith(AGAIN)
  return { id: wasStarted ? question.slice(0, -AGAIN.length) : question, wasStarted }
}

export const questionInput = z
  .string()
  .toLowerCase()
  .refine((question) => isGuid(askedBy(question).id), 'must be the id of a question')
