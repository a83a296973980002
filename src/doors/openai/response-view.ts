import type { MessageView, RunView } from '../../contract/views.ts'
import { speakerLabel } from './chat-history.ts'
import { type Given, responseId } from './response-body.ts'

type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

/** What one agent says in a response: one message of its output. */
export const outputItem = (id: string, text: string, status: ItemStatus) => ({
  id,
  type: 'message' as const,
  role: 'assistant' as const,
  status,
  content: status === 'in_progress' ? [] : [outputText(text)],
})
export type OutputItem = ReturnType<typeof outputItem>

export const outputText = (text: string) => ({ type: 'output_text' as const, text, annotations: [], logprobs: [] })

/** The id of what an attempt at a turn says. */
export const itemId = (runId: string, turn: number, attempt: number): string => `msg_${runId}_${turn}_${attempt}`

/** What was said in a run, each message by its speaker's name where there are several. */
export const outputOf = (run: RunView, messages: MessageView[], namesSpeakers: boolean): OutputItem[] =>
  messages.flatMap(({ turn, agentName, content, status }) => {
    if (turn === null) return []
    const attempt = run.turns.find(({ index }) => index === turn)?.attempt ?? 1
    const text = (namesSpeakers ? speakerLabel(agentName ?? '') : '') + content
    return [outputItem(itemId(run.id, turn, attempt), text, status === 'complete' ? 'completed' : 'incomplete')]
  })

/** Why a run was cut short though nobody stopped it. */
const CUT = ['credits_exhausted', 'max_credits']

type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'

export function responseStatus({ status, stopReason }: RunView): ResponseStatus {
  if (status === 'completed') return stopReason !== null && CUT.includes(stopReason) ? 'incomplete' : 'completed'
  if (status === 'failed' || status === 'cancelled') return status
  return status === 'running' ? 'in_progress' : 'queued'
}

const seconds = (time: string): number => Math.floor(Date.parse(time) / 1_000)

/** A response as its clients know it, whole: they look for fields that mean nothing here too. */
export function responseView(run: RunView, given: Given, output: OutputItem[]) {
  const status = responseStatus(run)
  const { receipt, error } = run
  const isRateLimited = error?.code === 'provider.rate_limited'
  return {
    id: responseId(run.id),
    object: 'response' as const,
    created_at: seconds(run.createdAt),
    completed_at: run.finishedAt && status === 'completed' ? seconds(run.finishedAt) : null,
    status,
    background: given.background,
    error:
      status === 'failed'
        ? {
            code: isRateLimited ? 'rate_limit_exceeded' : 'server_error',
            message: error?.message ?? 'The run failed.',
            details: { code: error?.code ?? 'run.failed' },
          }
        : null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: given.instructions,
    metadata: given.metadata ?? {},
    model: given.model,
    conversation: { id: run.conversationId },
    previous_response_id: given.previous,
    output,
    max_output_tokens: null,
    parallel_tool_calls: false,
    reasoning: { effort: null, summary: null },
    // Whatever was asked for: what is said is kept, until its conversation is deleted.
    store: true,
    temperature: null,
    text: { format: { type: given.isData ? 'json_object' : 'text' } },
    tool_choice: 'none' as const,
    tools: [],
    top_p: null,
    truncation: 'auto' as const,
    user: null,
    usage: run.finishedAt
      ? {
          input_tokens: receipt.inputTokens,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: receipt.outputTokens,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: receipt.inputTokens + receipt.outputTokens,
          credits: receipt.credits,
        }
      : null,
  }
}
export type ResponseView = ReturnType<typeof responseView>
