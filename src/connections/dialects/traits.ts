import { z } from 'zod'

/** What a server or its model may turn out to need, and how that is told to whoever owns the connection. */
export const TRAITS = {
  no_system_role: 'Takes no system message: the instructions go before the first user message.',
  system_not_developer: 'Knows no developer role: the instructions go as a system message.',
  no_json_schema: 'Takes no JSON Schema: it is asked for JSON, and told in words of what form.',
  no_response_format: 'Takes no response format: it is asked for JSON in words only.',
  max_completion_tokens: 'Calls its limit max_completion_tokens.',
  max_tokens: 'Calls its limit max_tokens.',
  no_output_limit: 'Takes no limit of output tokens.',
  no_temperature: 'Takes no temperature.',
  no_stream_options: 'Takes no stream_options, so it may report no usage: tokens are estimated then.',
  no_reasoning_effort: 'Takes no reasoning effort.',
  no_stop: 'Takes no stop sequences.',
  no_tools: 'Takes no tools: agents answer without theirs. If that has changed, test the connection.',
  no_tool_choice: 'Takes no choice of tools: it is told in words when no more are called.',
  no_tool_role:
    'Takes no results of tools in a role of their own: what was called and given back stands there in words.',
  writes_calls: 'Leaves calls of tools in the text: they are read there. Its server may have a parser for its model.',
  thoughts_back: 'Wants the thoughts behind a call of a tool back: they are kept with the call.',
  stream_only: 'Answers in streams only.',
  no_stream: 'Does not stream: words come all at once.',
  thinks: 'Thinks before it speaks: its limit of tokens leaves room for that, and thoughts are paid as reasoning.',
  thinks_unopened: 'Thinks without an opening tag: its words are shown once its thoughts have ended.',
} as const
export type Trait = keyof typeof TRAITS

/** What is known of a connection, by model. What is no trait (any more) is left out. */
export const dialectsSchema = z
  .record(z.string(), z.array(z.string()))
  .catch({})
  .transform((models) =>
    Object.fromEntries(
      Object.entries(models).map(([model, traits]) => [
        model,
        traits.filter((trait): trait is Trait => Object.hasOwn(TRAITS, trait)),
      ]),
    ),
  )
export type Dialects = Record<string, Trait[]>

/** As sentences. */
export const inWords = (traits: readonly Trait[]): string[] => traits.map((trait) => TRAITS[trait])
