import type { Trait } from './traits.ts'
import { isJson, type Json, json, list, saysAny, tellsOfBrokenCall } from './wire.ts'

/** A request that a server refused, and what it said. */
export interface Refusal {
  /** The HTTP status, or the one that an error within a 200 named; undefined for an error that named none. */
  status: number | undefined
  /** The server's words, capped. */
  words: string
  /** The request as it was sent. */
  body: Json
}

interface Lesson {
  trait: Trait
  /** True when the request holds what the trait does without. */
  sent: (body: Json) => boolean
  /** The server's words, lower case, that teach it: all of any of these. */
  said: string[][]
  /** Words beside which it is about something else. */
  unsaid?: string[]
  /** A trait that makes this one no use. */
  unless?: Trait
}

/** How servers speak of a value that is out of a range or a list. */
const VALUES = [
  'between ',
  'less than',
  'greater than',
  'less_than',
  'greater_than',
  ' range',
  '<=',
  '>=',
  '≤',
  '≥',
  'at most',
  'at least',
  'one of',
  'supported values',
  'allowed values',
  'valid values',
]

const has =
  (...keys: string[]) =>
  (body: Json) =>
    keys.some((key) => body[key] !== undefined)
const roles = (body: Json): string[] => list(body.messages).map((message) => String(json(message).role))
const hasSystem = (body: Json): boolean =>
  roles(body).some((role) => role === 'system' || role === 'developer') || has('system', 'systemInstruction')(body)
/** With what tools gave back, in a role of its own. */
const hasResults = (body: Json): boolean => roles(body).includes('tool')
const generation = (body: Json): Json => json(body.generationConfig)
/** Anthropic's SDK asks for JSON by a tool of this name. */
const hasTools = (body: Json): boolean => list(body.tools).some((tool) => json(tool).name !== 'json')
/** How servers speak of one tool's definition, or of several calls at once: tools as such are taken. */
const ONE_TOOL = [
  'schema',
  '.parameters',
  'additionalproperties',
  'tools[',
  'tools.0',
  'tools.1',
  'parallel',
  'multiple',
]

/** Ways to say that a parameter is not known, as opposed to its value. */
const UNKNOWN = [
  'unrecognized',
  'unrecognised',
  'unsupported',
  'not support',
  "n't support",
  'unknown',
  'extra inputs',
  'extra_forbidden',
  'unexpected',
  'not permitted',
]
/** Ways to say that a thing is not taken. */
const REFUSALS = [
  ...UNKNOWN,
  'not allowed',
  'not available',
  'not enabled',
  'not valid',
  'additional properties',
  'no such',
  'invalid',
  'must be',
  'deprecated',
  'cannot',
  'incompatible',
  'does not accept',
]
const refused = (...names: string[]): string[][] => names.flatMap((name) => REFUSALS.map((way) => [name, way]))
const unknownOnly = (name: string): string[][] => UNKNOWN.map((way) => [name, way])

/** In order: the first that fits is learnt. Sentences of templates first, then parameters by their names. */
const LESSONS: Lesson[] = [
  {
    trait: 'no_tool_role',
    sent: hasResults,
    said: [
      ['roles must alternate'],
      ['role', 'must alternate'],
      ["role 'tool'"],
      ['role "tool"'],
      ['role `tool`'],
      ['role: tool'],
      ['role tool'],
      ['tool role'],
      ['tool message'],
      ['variant `tool`'],
      ["keyerror: 'tool'"],
      ["'user' or 'assistant'"],
      ['user or assistant', 'role'],
      ['only user and assistant roles'],
      ['only user, assistant'],
      ['role', 'one of', 'assistant'],
      ['role', 'input should be', 'assistant'],
      ...['unexpected', 'unknown', 'unsupported', 'invalid', 'not support'].map((way) => [way, 'role', 'tool']),
      ...['extra', 'not permitted', 'unrecognized', 'unknown field'].map((way) => [way, 'tool_calls']),
    ],
  },
  {
    trait: 'no_system_role',
    sent: hasSystem,
    said: [
      ['system role', 'support'],
      ['system role', 'not'],
      ['system message', 'support'],
      ['system message', 'not'],
      ['system prompt', 'support'],
      ['system instruction', 'not'],
      ['systeminstruction', 'not'],
      ['developer instruction', 'not'],
      ['system_instruction', 'not'],
      ["'system'", 'role', 'not'],
      ['roles must alternate'],
      ['role', 'must alternate'],
      ...refused('role: system', 'role system', "role 'system'", 'role "system"', 'role `system`'),
      ['unsupported role', 'system'],
      ['invalid role', 'system'],
      ["'user' or 'assistant'"],
      ['user or assistant', 'role'],
      ['only user and assistant roles'],
      ['only user, assistant'],
      ['first message', 'must be', 'user'],
      ['first message', 'should', 'user'],
      ['start with a user'],
      ['begin with a user'],
    ],
  },
  {
    trait: 'system_not_developer',
    sent: (body) => roles(body).includes('developer'),
    said: [
      ['developer', 'role'],
      ['developer', "'system'"],
      ['developer', 'unexpected'],
      ['developer', 'unknown variant'],
    ],
  },
  {
    trait: 'thoughts_back',
    sent: (body) => list(body.messages).some((message) => list(json(message).tool_calls).length > 0),
    said: [
      ['reasoning_content', 'missing'],
      ['reasoning_content', 'passed back'],
      ['reasoning_content', 'required'],
    ],
  },
  {
    trait: 'no_stream',
    sent: (body) => body.stream === true && hasTools(body),
    said: [['tools with stream'], ['tool use in streaming'], ['tool', 'streaming mode'], ['tool', 'when streaming']],
  },
  {
    trait: 'no_tools',
    sent: hasTools,
    said: [
      ['enable-auto-tool-choice'],
      ['tool-call-parser'],
      ['tools', '--jinja'],
      ['support tool'],
      ['support for tool'],
      ['support function call'],
      ['support the use of tools'],
      ['param: tools'],
      ["parameter 'tools'"],
      ['tools: extra inputs'],
      ...['tools', 'tool use', 'tool calling', 'tool calls', 'function calling', 'functions'].flatMap((name) => [
        [`${name} is not`],
        [`${name} are not`],
        [`${name} not supported`],
        [`${name}' is not`],
        [`${name}\` is not`],
        [`${name}" is not`],
        [`${name} unsupported`],
        [`unsupported ${name}`],
        [`no ${name}`],
      ]),
      ...unknownOnly("'tools'"),
      ...unknownOnly('"tools"'),
      ...unknownOnly('`tools`'),
    ],
    unsaid: ONE_TOOL,
  },
  {
    trait: 'no_tool_choice',
    sent: (body) => hasTools(body) && has('tool_choice', 'toolConfig')(body),
    said: refused('tool_choice', 'tool choice', 'toolconfig', 'tool_config'),
    unsaid: ONE_TOOL,
  },
  {
    // Of the wires of OpenAI's form, that can ask for JSON without.
    trait: 'no_json_schema',
    sent: (body) => json(body.response_format).type === 'json_schema',
    said: [
      ['json_schema'],
      ['json schema'],
      ['structured output'],
      ['response_format', 'type'],
      ['response_format', 'schema'],
    ],
    unless: 'no_response_format',
  },
  {
    trait: 'no_response_format',
    sent: (body) =>
      has('response_format', 'output_format', 'output_config')(body) ||
      list(body.tools).some((tool) => json(tool).name === 'json') ||
      generation(body).responseMimeType !== undefined ||
      generation(body).responseSchema !== undefined,
    said: [
      ['response_format'],
      ['response format'],
      ['json_schema'],
      ['json_object'],
      ['json mode'],
      ['json schema'],
      ['structured output'],
      ['output_format'],
      ['output_config'],
      ['response_mime_type'],
      ['responsemimetype'],
      ['response mime type'],
      ['response_schema'],
      ['responseschema'],
      ['json_validate_failed'],
      ['failed to generate json'],
      ['failed to validate json'],
      ['grammar'],
      ['guided_'],
      ['guided decoding'],
      ['tools', 'not support'],
      ['tool_choice'],
      ['no endpoints found that can handle the requested parameters'],
      ['no endpoints found that support'],
    ],
  },
  {
    trait: 'max_completion_tokens',
    sent: has('max_tokens'),
    said: [['max_completion_tokens'], ...unknownOnly('max_tokens')],
    unless: 'max_tokens',
  },
  {
    trait: 'max_tokens',
    sent: has('max_completion_tokens'),
    said: unknownOnly('max_completion_tokens'),
    unless: 'max_completion_tokens',
  },
  {
    trait: 'no_stream_options',
    sent: has('stream_options'),
    said: [['stream_options'], ['stream options'], ['include_usage']],
  },
  {
    trait: 'no_temperature',
    sent: (body) => has('temperature')(body) || generation(body).temperature !== undefined,
    said: refused('temperature'),
  },
  {
    trait: 'no_reasoning_effort',
    sent: (body) =>
      has('reasoning_effort', 'reasoning', 'thinking', 'reasoning_format')(body) ||
      generation(body).thinkingConfig !== undefined,
    said: [
      ...refused('reasoning_effort', 'reasoning effort', 'reasoning.effort', 'reasoning_format', 'thinkingconfig'),
      ...refused('thinking_config', 'thinking level', 'thinking_level', 'thinking budget', 'thinking_budget'),
      ...refused("'reasoning'", '"reasoning"', '`reasoning`', 'thinking is', 'thinking', 'reasoning is'),
    ],
  },
  {
    trait: 'no_stop',
    sent: has('stop', 'stop_sequences'),
    said: refused("'stop'", '"stop"', '`stop`', 'stop_sequences'),
  },
  {
    trait: 'stream_only',
    sent: (body) => body.stream !== true,
    said: [
      ['only', 'stream'],
      ['stream', 'must be', 'true'],
      ['stream', 'should be', 'true'],
      ['stream', 'set', 'true'],
      ['requires', 'stream'],
      ['required', 'stream'],
      ['non-stream', 'not'],
      ['non-stream', 'unsupported'],
      ['enable', 'stream'],
      ['streaming', 'mode'],
    ],
  },
  {
    trait: 'no_stream',
    sent: (body) => body.stream === true,
    said: [
      ['stream', 'not support'],
      ['stream', "n't support"],
      ['stream', 'unsupported'],
      ['stream', 'must be', 'false'],
      ['stream this model'],
      ['streaming', 'not available'],
      ['streaming', 'disabled'],
    ],
  },
  { trait: 'no_output_limit', sent: has('max_tokens'), said: unknownOnly('max_tokens') },
  { trait: 'no_output_limit', sent: has('max_completion_tokens'), said: unknownOnly('max_completion_tokens') },
]

/** Statuses that say something about the asker's account, or nothing about the request. */
const OTHER_TROUBLE = new Set([401, 402, 403, 407, 408, 409, 413, 425, 429, 498, 503, 504, 529])

/**
 * What a refusal teaches about the server, if it does: the request goes once more, changed by it. Words about the length of
 * the prompt, the content or the account teach nothing, whatever parameters they name.
 */
export function lessonOf({ status, words, body }: Refusal, known: readonly Trait[]): Trait | undefined {
  if (status !== undefined && (status < 400 || OTHER_TROUBLE.has(status))) return undefined
  const said = words.toLowerCase().replaceAll('upstream', '')
  if (said.includes('context length') || said.includes('context_length') || said.includes('context window'))
    return undefined
  if (tellsOfBrokenCall(said)) return undefined
  const isWhole = body.stream === false
  const found = LESSONS.find(
    ({ trait, sent, said: sayings, unsaid = [], unless }) =>
      !known.includes(trait) &&
      !(unless && known.includes(unless)) &&
      // What is streamed already is not learnt to need a stream.
      (trait !== 'stream_only' || isWhole) &&
      sent(body) &&
      saysAny(said, sayings) &&
      !unsaid.some((word) => said.includes(word)),
  )?.trait
  return found ?? (mayLackRole(status, said, body, known) ? 'no_tool_role' : undefined)
}

/** How servers speak of a prompt that they could not write. */
const TEMPLATES = ['template', 'jinja', 'role']

/**
 * A server that has left calls in the text knows little of tools: what it says when it is then given a result may be anything. It is not
 * remembered unless it helps.
 */
const mayLackRole = (status: number | undefined, said: string, body: Json, known: readonly Trait[]): boolean =>
  hasResults(body) &&
  known.includes('writes_calls') &&
  !known.includes('no_tool_role') &&
  (status === 400 || status === 422 || (status === 500 && TEMPLATES.some((word) => said.includes(word))))

/** Settings of agents, whose values differ. */
const OF_AGENTS: readonly Trait[] = ['no_temperature', 'no_reasoning_effort']

/** How servers speak of the one schema that they were sent. */
const OF_SCHEMAS: readonly Trait[] = ['no_json_schema', 'no_response_format']
const SCHEMAS = [
  'invalid schema',
  'invalid_schema',
  'additionalproperties',
  'schema is ',
  'schema for ',
  'keyword',
  '.schema',
  'in context=',
]

/** Whether a lesson is about one agent's value, or one schema: it holds for its call, and the model's other agents must not lose by it. */
export const isOfValue = (trait: Trait, words: string): boolean => {
  const said = words.toLowerCase()
  const about = OF_AGENTS.includes(trait) ? VALUES : OF_SCHEMAS.includes(trait) ? SCHEMAS : []
  return about.some((word) => said.includes(word))
}

const NAMED = /^[a-z_.]{2,40}$/i

/** The parameter of ours that a refusal names, for the message to the user; undefined when it names none. */
export function namedParameter({ words, body }: Pick<Refusal, 'words' | 'body'>): string | undefined {
  let told: unknown
  try {
    const parsed: unknown = JSON.parse(words)
    const error = json(parsed).error
    told = isJson(error) ? error.param : json(parsed).param
  } catch {
    // Words only.
  }
  const keys = Object.keys(body).filter(
    (key) => key !== 'model' && key !== 'messages' && key !== 'stream' && key !== 'contents',
  )
  if (typeof told === 'string' && NAMED.test(told)) {
    const [first] = told.split('.')
    if (first !== undefined && keys.includes(first)) return first
  }
  const said = words.toLowerCase()
  return keys.find((key) => said.includes(key.toLowerCase()))
}
