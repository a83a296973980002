import { plainJson } from '../contract/plain-json.ts'
import type { ToolCallView } from '../contract/views.ts'
import { shortened } from '../shared/errors.ts'
import type { ToolFile } from './tool-call.entity.ts'

/** Characters of arguments and of a result that conversations and events show; all of it is in the run's list. */
export const SHOWN_CHARS = 500
/** The same where all of it is asked for; more is not kept, and of arguments not taken. */
export const ALL_CHARS = 65_536
/** Calls that a message shows. */
export const SHOWN_CALLS = 16

/** A call as rows have it: moments as texts or dates, arguments as JSON or parsed. */
export interface ShownToolCall {
  id: string
  call: number
  step: number
  name: string
  sourceName: string
  title: string
  status: ToolCallView['status']
  args: string | Record<string, unknown>
  result: string | null
  errorCode: string | null
  files: ToolFile[] | null
  /** The call of an earlier run that this one stands for. */
  inheritedFrom: string | null
  /** Which attempt at its own turn has started it last; null where none has. */
  attempt: number | null
  startedAt: string | Date | null
  endedAt: string | Date | null
  /** UTF-16 units that its turn had said before. */
  offset?: number | undefined
}

const moment = (value: string | Date | null): string | null => value && new Date(value).toISOString()

/** A call as clients see it, with at most `chars` characters of its arguments and of its result. */
export const presentToolCall = (call: ShownToolCall, chars = SHOWN_CHARS): ToolCallView => ({
  id: call.id,
  call: call.call,
  step: call.step,
  name: call.name,
  // Of a tool that there is not it is what a model wrote.
  sourceName: plainJson(call.sourceName),
  title: call.title,
  status: call.status,
  args: shortened(plainJson(typeof call.args === 'string' ? call.args : JSON.stringify(call.args)), chars),
  result: call.result === null ? null : shortened(call.result, chars),
  errorCode: call.errorCode,
  ...(call.files && { files: call.files }),
  ...(call.inheritedFrom !== null && call.attempt === null && { inheritedFrom: call.inheritedFrom }),
  startedAt: moment(call.startedAt),
  endedAt: moment(call.endedAt),
  ...(call.offset !== undefined && { offset: call.offset }),
})
