import { isDeepStrictEqual } from 'node:util'
import type { ToolCallView } from '../../contract/views.ts'
import { questionOf } from '../question.ts'
import { doubtOf, inputOf, LATE, troubleOf } from '../told-call.ts'

/** A call of a tool in a UIMessage: `dynamic-tool`, for clients know no tools of agents, and no call is theirs to make. */
export type UiToolPart = {
  type: 'dynamic-tool'
  toolName: string
  toolCallId: string
  title: string
  providerExecuted: true
  input: unknown
} & (
  | { state: 'input-available' }
  | { state: 'approval-requested'; approval: { id: string; requestReason?: string } }
  | { state: 'output-denied'; approval: { id: string; approved: false; reason?: string } }
  | { state: 'output-available'; output: string }
  | { state: 'output-error'; errorText: string }
)

export type UiToolChunk =
  | {
      type: 'tool-input-available'
      toolCallId: string
      toolName: string
      title: string
      input: unknown
      dynamic: true
      providerExecuted: true
    }
  | { type: 'tool-approval-request'; approvalId: string; toolCallId: string; reason?: string }
  | { type: 'tool-approval-response'; approvalId: string; approved: boolean; reason?: string }
  | { type: 'tool-output-available'; toolCallId: string; output: string; dynamic: true; providerExecuted: true }
  | { type: 'tool-output-error'; toolCallId: string; errorText: string; dynamic: true; providerExecuted: true }
  | { type: 'tool-output-denied'; toolCallId: string }

/** A call as it stands. */
export function toolPart(call: ToolCallView): UiToolPart {
  const { id, name, title } = call
  const part = { type: 'dynamic-tool', toolName: name, toolCallId: id, title, providerExecuted: true } as const
  const shown = { ...part, input: inputOf(call) }
  switch (call.status) {
    case 'planned':
    case 'approved':
    case 'started':
      return { ...shown, state: 'input-available' }
    case 'awaiting': {
      const requestReason = doubtOf(call)
      return {
        ...shown,
        state: 'approval-requested',
        approval: { id: questionOf(call), ...(requestReason && { requestReason }) },
      }
    }
    case 'denied':
      return { ...shown, state: 'output-denied', approval: { id: questionOf(call), approved: false } }
    case 'expired':
      return { ...shown, state: 'output-denied', approval: { id: questionOf(call), approved: false, reason: LATE } }
    case 'done':
      return { ...shown, state: 'output-available', output: call.result ?? '' }
    case 'failed':
    case 'unknown':
    case 'cancelled':
      return { ...shown, state: 'output-error', errorText: troubleOf(call) }
  }
}

/** The chunks that lead a client from what it was told of a call (`before`; undefined for nothing) to what it is now. */
export function toolChunks(call: ToolCallView, before: ToolCallView | undefined): UiToolChunk[] {
  const { id: toolCallId, name: toolName, title, status } = call
  const ours = { dynamic: true, providerExecuted: true } as const
  const chunks: UiToolChunk[] = []
  const isAsked = status === 'awaiting'
  // Whoever approved it may have written other arguments.
  const isOther = !before || !isDeepStrictEqual(inputOf(before), inputOf(call))
  if (isOther) {
    chunks.push({ type: 'tool-input-available', toolCallId, toolName, title, input: inputOf(call), ...ours })
  }
  const wasAsked = !isOther && before?.status === 'awaiting' && (!isAsked || questionOf(before) === questionOf(call))
  const approvalId = questionOf(wasAsked ? before : call)
  const isRefused = status === 'denied' || status === 'expired'
  if ((isAsked || isRefused) && !wasAsked) {
    const reason = doubtOf(call)
    chunks.push({ type: 'tool-approval-request', approvalId, toolCallId, ...(reason && { reason }) })
  }
  if (isRefused || (wasAsked && (status === 'approved' || status === 'started'))) {
    const reason = status === 'expired' && { reason: LATE }
    chunks.push({ type: 'tool-approval-response', approvalId, approved: !isRefused, ...reason })
  }
  if (isRefused) chunks.push({ type: 'tool-output-denied', toolCallId })
  if (status === 'done') chunks.push({ type: 'tool-output-available', toolCallId, output: call.result ?? '', ...ours })
  if (status === 'failed' || status === 'unknown' || status === 'cancelled') {
    chunks.push({ type: 'tool-output-error', toolCallId, errorText: troubleOf(call), ...ours })
  }
  return chunks
}
