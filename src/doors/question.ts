import { z } from 'zod'
import { isGuid } from '../contract/inputs.ts'
import type { ToolCallView } from '../contract/views.ts'

/** Of windows that an older release has told. */
const AGAIN = 'again'
const MILLISECONDS = /^\d{1,13}$/

/**
 * How doors name what somebody is asked about a call: by its id, and by when it was started, where it is asked whether to start it again. A window in
 * which the question before still stands has no word on the next.
 */
export const questionOf = ({ id, startedAt }: Pick<ToolCallView, 'id' | 'startedAt'>): string =>
  startedAt === null ? id : `${id}.${new Date(startedAt).getTime()}`

/** Which call it is about, and what had been started of it when it was asked. */
export function askedBy(question: string): { id: string; wasStarted: boolean; startedAt?: string } {
  const [id = '', again] = question.split('.', 2)
  if (again === undefined) return { id, wasStarted: false }
  return { id, wasStarted: true, ...(again !== AGAIN && { startedAt: new Date(Number(again)).toISOString() }) }
}

const isQuestion = (text: string): boolean => {
  const [id = '', again, ...more] = text.split('.', 3)
  return isGuid(id) && more.length === 0 && (again === undefined || again === AGAIN || MILLISECONDS.test(again))
}

export const questionInput = z.string().toLowerCase().refine(isQuestion, 'must be the id of a question')
