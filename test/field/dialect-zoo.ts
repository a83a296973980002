import type { WireReply, WireRequest } from '../support/wire-server.ts'
import type { WireProvider } from './field-world.ts'
import { A, alternates, C, D, E, F, G, refused, completion as wholeCompletion } from './wires.ts'

/** A server as people run it: what it refuses, how it answers, what it reports. */
export interface Dialect {
  name: string
  provider: WireProvider
  model?: string
  base?: string
  /** Why the request is refused; undefined when it is taken. */
  refuse?: (request: WireRequest) => WireReply | undefined
  answer: (text: string, request: WireRequest) => WireReply | string
  /** Refusals until it is known. */
  lessons: number
  /** Tokens of each call, as they are paid. */
  usage: { input: number; output: number }
}

const halves = (text: string): [string, string] => [text.slice(0, text.length / 2), text.slice(text.length / 2)]
/** What every server counts for an answer, whatever it says: about right for a speech, which is what is believed. */
const OUTPUT = 100
const USAGE = { prompt_tokens: 9, completion_tokens: OUTPUT, total_tokens: 9 + OUTPUT }
const U = E({ choices: [], usage: USAGE })
const completion = (message: string | object, more: object = {}) => wholeCompletion(message, { usage: USAGE, ...more })

/** In two deltas, with usage in a chunk of its own. */
const inTwo = (text: string, last = F('stop')): string =>
  `${halves(text)
    .map((half) => C(half))
    .join('')}${last}`
const wholeOr = (stream: (text: string) => string | WireReply) => (text: string, request: WireRequest) =>
  request.stream ? stream(text) : { body: completion(text) }
const ALTERNATE = 'Conversation roles must alternate user/assistant/user/assistant/...'

export const DIALECTS: Dialect[] = [
  {
    name: 'OpenRouter',
    provider: 'openai-compatible',
    base: '/api/v1',
    answer: wholeOr((text) => ({
      pieces: [
        ': OPENROUTER PROCESSING\n\n',
        10,
        ': OPENROUTER PROCESSING\n\n',
        ...halves(text).map((half) =>
          E({
            id: 'gen-1',
            provider: 'X',
            choices: [{ index: 0, delta: { role: 'assistant', content: half }, native_finish_reason: null }],
          }),
        ),
        E({
          choices: [
            {
              index: 0,
              delta: { role: 'assistant', content: '' },
              finish_reason: 'stop',
              native_finish_reason: 'STOP',
            },
          ],
        }),
        E({
          choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
          usage: { ...USAGE, cost: 0.1 },
        }),
        D,
      ],
    })),
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'Azure OpenAI',
    provider: 'openai-compatible',
    base: '/openai/v1',
    refuse: ({ body }) =>
      body.max_tokens === undefined
        ? undefined
        : refused(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          ),
    answer: wholeOr(
      (text) =>
        `${E({ id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] })}${inTwo(text)}${E({ choices: [{ index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: { check_offset: 1 } }] })}${U}${D}`,
    ),
    lessons: 1,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'Mistral',
    provider: 'openai-compatible',
    refuse: (request) => {
      if (!alternates(request)) return refused(400, ALTERNATE)
      if (request.body.stream_options === undefined) return undefined
      return {
        status: 422,
        body: '{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}',
      }
    },
    answer: wholeOr(
      (text) =>
        `${C({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }] })}${C({ content: [{ type: 'text', text }] })}${E({ choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop' }], usage: USAGE })}${D}`,
    ),
    lessons: 1,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'DeepSeek',
    provider: 'openai-compatible',
    answer: (text, { stream }) => {
      const counted = { ...USAGE, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 5 }
      if (!stream) return { body: completion({ content: text, reasoning_content: 'Hm.' }, { usage: counted }) }
      return {
        pieces: [
          ': keep-alive\n\n',
          C({ role: 'assistant', content: null, reasoning_content: 'Hm.' }),
          C({ content: text, reasoning_content: null }),
          E({
            choices: [{ index: 0, delta: { content: '', reasoning_content: null }, finish_reason: 'stop' }],
            usage: counted,
          }),
          D,
        ],
      }
    },
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'xAI',
    provider: 'openai-compatible',
    answer: (text, { stream }) => {
      const counted = {
        prompt_tokens: 9,
        completion_tokens: OUTPUT,
        total_tokens: OUTPUT + 14,
        completion_tokens_details: { reasoning_tokens: 5 },
      }
      return stream
        ? `${E({ choices: [{ index: 0, delta: { role: 'assistant', reasoning_content: 'Hm.' } }], usage: { prompt_tokens: 9, completion_tokens: 0, total_tokens: 9 } })}${inTwo(text)}${E({ choices: [], usage: counted })}${D}`
        : { body: completion(text, { usage: counted }) }
    },
    lessons: 0,
    usage: { input: 9, output: OUTPUT + 5 },
  },
  {
    name: 'Together',
    provider: 'openai-compatible',
    answer: wholeOr(
      (text) =>
        `${halves(text)
          .map((half) =>
            E({
              choices: [
                {
                  index: 0,
                  text: half,
                  logprobs: null,
                  seed: null,
                  delta: { token_id: 7, role: 'assistant', content: half, tool_calls: null },
                },
              ],
              usage: null,
            }),
          )
          .join(
            '',
          )}${E({ choices: [{ index: 0, text: '', finish_reason: 'eos', delta: { content: '' } }], usage: USAGE })}${D}`,
    ),
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'Fireworks',
    provider: 'openai-compatible',
    base: '/inference/v1',
    answer: wholeOr(
      (text) =>
        `${inTwo(text, '')}${E({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: USAGE, perf_metrics: null })}${D}`,
    ),
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'vLLM',
    provider: 'openai-compatible',
    refuse: (request) =>
      alternates(request)
        ? undefined
        : {
            status: 400,
            body: JSON.stringify({ object: 'error', message: ALTERNATE, type: 'BadRequestError', code: 400 }),
          },
    answer: wholeOr(
      (text) => `${C({ role: 'assistant', content: '' })}${C({ reasoning: 'Hm.' })}${inTwo(text)}${U}${D}`,
    ),
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'llama.cpp',
    provider: 'openai-compatible',
    refuse: (request) => {
      if (request.messages[0]?.role === 'system')
        return {
          status: 500,
          body: '{"error":{"code":500,"message":"System role not supported","type":"server_error"}}',
        }
      return alternates(request)
        ? undefined
        : { status: 500, body: JSON.stringify({ error: { code: 500, message: ALTERNATE, type: 'server_error' } }) }
    },
    answer: wholeOr(
      (text) =>
        `${C({ role: 'assistant', content: null })}${C('<think>\n')}${C('Hm.')}${C('\n</think>\n\n')}${inTwo(text)}${E({ choices: [], usage: USAGE, timings: { prompt_n: 9, predicted_n: OUTPUT } })}${D}`,
    ),
    lessons: 1,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'LM Studio',
    provider: 'openai-compatible',
    refuse: ({ body }) =>
      body.response_format === undefined
        ? undefined
        : { status: 400, body: `{"error":"'response_format.type' must be 'json_schema' or 'text'"}` },
    answer: (text, { stream }) => {
      const thought = `So, what to say?\n</think>\n\n${text}`
      return stream ? `${inTwo(thought)}${U}${D}` : { body: completion(thought, { stats: {} }) }
    },
    lessons: 1,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'Ollama',
    provider: 'ollama',
    base: '',
    answer: wholeOr((text) => `${C({ role: 'assistant', content: '', reasoning: 'Hm.' })}${inTwo(text)}${U}${D}`),
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'LiteLLM',
    provider: 'openai-compatible',
    base: '',
    refuse: ({ stream }) => (stream ? undefined : refused(400, 'litellm.BadRequestError: Stream must be set to true')),
    answer: (text) =>
      `${E({ choices: [{ index: 0, delta: { role: null, content: text, function_call: null, tool_calls: null, audio: null } }], usage: null, citations: null })}${F('stop')}${U}${D}`,
    lessons: 1,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'OpenAI',
    provider: 'openai',
    model: 'gpt-5-mini',
    refuse: ({ body }) =>
      body.max_tokens === undefined ? undefined : refused(400, "Use 'max_completion_tokens' instead."),
    answer: wholeOr((text) => `${C({ role: 'assistant', content: '', refusal: null })}${inTwo(text)}${U}${D}`),
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'Groq',
    provider: 'groq',
    refuse: ({ body }) =>
      Object(body.response_format).type !== 'json_schema'
        ? undefined
        : {
            status: 400,
            body: '{"error":{"message":"This model does not support response format `json_schema`.","type":"invalid_request_error"}}',
          },
    answer: wholeOr(
      (text) =>
        `${C({ role: 'assistant', content: '' })}${inTwo(text)}${E({ choices: [], x_groq: { id: 'req', usage: USAGE } })}${D}`,
    ),
    lessons: 1,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'Anthropic',
    provider: 'anthropic',
    answer: (text, { stream }) =>
      stream
        ? [
            A.start,
            E(
              {
                type: 'content_block_start',
                index: 0,
                content_block: { type: 'thinking', thinking: '', signature: '' },
              },
              'content_block_start',
            ),
            E(
              { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
              'content_block_delta',
            ),
            E(
              { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'abc' } },
              'content_block_delta',
            ),
            A.blockEnd,
            A.ping,
            E(
              { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
              'content_block_start',
            ),
            ...halves(text).map((half) => A.text(half, 1)),
            E({ type: 'content_block_stop', index: 1 }, 'content_block_stop'),
            A.end('end_turn', OUTPUT),
            A.stop,
          ].join('')
        : {
            body: JSON.stringify({
              id: 'msg',
              type: 'message',
              role: 'assistant',
              model: 'm',
              content: [{ type: 'text', text }],
              stop_reason: 'end_turn',
              usage: { input_tokens: 9, output_tokens: OUTPUT },
            }),
          },
    lessons: 0,
    usage: { input: 9, output: OUTPUT },
  },
  {
    name: 'Gemini',
    provider: 'google',
    answer: (text, { stream }) => gemini(text, stream),
    lessons: 0,
    usage: { input: 9, output: OUTPUT + 2 },
  },
  {
    name: 'Gemma at Google',
    provider: 'google',
    refuse: ({ body }) =>
      body.systemInstruction === undefined
        ? undefined
        : refused(400, 'Developer instruction is not enabled for models/gemma-3-27b-it'),
    answer: (text, { stream }) => gemini(text, stream),
    lessons: 1,
    usage: { input: 9, output: OUTPUT + 2 },
  },
]

function gemini(text: string, stream: boolean): WireReply | string {
  const usageMetadata = {
    promptTokenCount: 9,
    candidatesTokenCount: OUTPUT,
    thoughtsTokenCount: 2,
    totalTokenCount: OUTPUT + 11,
  }
  const parts = [{ text: 'Hm.', thought: true }, { text }]
  if (!stream)
    return {
      body: JSON.stringify({
        candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }],
        usageMetadata,
      }),
    }
  const thought = E({
    candidates: [{ content: { role: 'model', parts: parts.slice(0, 1) } }],
    usageMetadata: { promptTokenCount: 9 },
  })
  const [first, second] = halves(text)
  return `${thought}${G(first)}${G(second, 'STOP', { usageMetadata })}`
}
