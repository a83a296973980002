import type { WireReply, WireRequest } from '../support/wire-server.ts'

/** Short forms of what servers send. */

/** A refusal in the server's words. */
export const refused = (status: number, message: string, more: object = {}): WireReply => ({
  status,
  body: JSON.stringify({ error: { message, ...more } }),
})
/** Whether both sides speak in turn, the user first and last, after at most one system message: what strict templates ask for. */
export const alternates = ({ messages }: WireRequest): boolean => {
  const turns = messages.slice(messages[0]?.role === 'system' ? 1 : 0)
  return turns.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant')) && turns.at(-1)?.role === 'user'
}

const event = (value: unknown, name?: string) => `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(value)}\n\n`

const chunk = (choice: object) =>
  event({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, finish_reason: null, ...choice }],
  })

/** OpenAI's wire. */
export const C = (delta: string | object): string =>
  chunk({ delta: typeof delta === 'string' ? { content: delta } : delta })
export const F = (reason: string): string => chunk({ delta: {}, finish_reason: reason })
export const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }
export const U = event({ choices: [], usage: USAGE })
export const D = 'data: [DONE]\n\n'
export const T = C('Whole answer.')
export const H = C('Half an ans')
export const E = event
/** A good answer. */
export const good = (text: string, reason = 'stop'): string =>
  `${C({ role: 'assistant', content: text })}${F(reason)}${U}${D}`
/** A whole completion, as for a request without `stream`. */
export const completion = (message: string | object, more: object = {}): string =>
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      {
        index: 0,
        message:
          typeof message === 'string' ? { role: 'assistant', content: message } : { role: 'assistant', ...message },
        finish_reason: 'stop',
      },
    ],
    usage: USAGE,
    ...more,
  })

/** Anthropic's wire. */
export const A = {
  start: event(
    {
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: [],
        stop_reason: null,
        usage: { input_tokens: 9, output_tokens: 1 },
      },
    },
    'message_start',
  ),
  block: event(
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    'content_block_start',
  ),
  text: (text: string, index = 0) =>
    event({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } }, 'content_block_delta'),
  blockEnd: event({ type: 'content_block_stop', index: 0 }, 'content_block_stop'),
  end: (reason = 'end_turn', tokens = 3) =>
    event(
      { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: tokens } },
      'message_delta',
    ),
  stop: event({ type: 'message_stop' }, 'message_stop'),
  ping: event({ type: 'ping' }, 'ping'),
}
/** Its pieces, one event each. */
export const anthropicPieces = (...texts: string[]): string[] => [
  A.start,
  A.block,
  A.ping,
  ...texts.map((text) => A.text(text)),
  A.blockEnd,
  A.end(),
  A.stop,
]
export const anthropicMessage = (text: string): string =>
  JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 9, output_tokens: 3 },
  })

/** Gemini's wire. */
export const GOOGLE_USAGE = { promptTokenCount: 9, candidatesTokenCount: 3, totalTokenCount: 12 }
export const G = (text: string, finishReason?: string, more: object = {}): string =>
  event({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...(finishReason && { finishReason }) }],
    ...more,
  })
export const googlePieces = (...texts: string[]): string[] =>
  texts.map((text, i) =>
    i < texts.length - 1 ? G(text) : G(text, 'STOP', { usageMetadata: GOOGLE_USAGE, modelVersion: 'm' }),
  )
export const googleAnswer = (text: string): string =>
  JSON.stringify({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: GOOGLE_USAGE,
  })
