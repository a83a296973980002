/** A message as AG-UI has it; those of the client are given back as they came. */
export interface AgUiMessage {
  id: string
  role: string
  [key: string]: unknown
}

export interface Usage {
  inputTokens: number
  outputTokens: number
  totalTokens: number
}

/** Something that a run needs before it goes on: somebody's word on a call. */
export interface AgUiInterrupt {
  /** The call's. */
  id: string
  reason: 'tool_call'
  message: string
  toolCallId: string
  responseSchema: Record<string, unknown>
  expiresAt?: string
}

type Outcome = { type: 'success' | 'cancelled' } | { type: 'interrupt'; interrupts: AgUiInterrupt[] }

/** The events of AG-UI that a run is told in: what version 1.0 and the versions before it have in common. */
export type AgUiEvent =
  | { type: 'RUN_STARTED'; threadId: string; runId: string; protocolVersion?: string; metadata: Record<string, string> }
  | { type: 'STEP_STARTED' | 'STEP_FINISHED'; stepName: string }
  | {
      type: 'TEXT_MESSAGE_START'
      messageId: string
      role: 'assistant'
      name: string
      metadata: Record<string, unknown>
    }
  | { type: 'TEXT_MESSAGE_CONTENT'; messageId: string; delta: string }
  | { type: 'TEXT_MESSAGE_END'; messageId: string; metadata?: Record<string, unknown> }
  | { type: 'TOOL_CALL_START'; toolCallId: string; toolCallName: string; parentMessageId: string }
  | { type: 'TOOL_CALL_ARGS'; toolCallId: string; delta: string }
  | { type: 'TOOL_CALL_END'; toolCallId: string }
  | { type: 'TOOL_CALL_RESULT'; messageId: string; toolCallId: string; content: string; role: 'tool' }
  | { type: 'MESSAGES_SNAPSHOT'; messages: AgUiMessage[] }
  | {
      type: 'RUN_FINISHED'
      threadId: string
      runId: string
      outcome?: Outcome
      result: Record<string, unknown>
      usage: Usage[]
    }
  | { type: 'RUN_ERROR'; message: string; code: string; usage: Usage[] }
