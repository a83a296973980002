import { spanOf } from '../../shared/json-in-text.ts'
import { whole } from './literals.ts'
import { isJson, type Json, json } from './wire.ts'
import { WrittenCalls } from './written-calls.ts'

/** A call that a model wrote as text, of a tool that there is. */
export interface NotedCall {
  name: string
  /** JSON of an object. */
  input: string
}

/** Schemas of the tools that there are, by name. */
export type KnownTools = ReadonlyMap<string, Json>

/** How a family of models writes calls, which its server should have read. */
export interface Notation {
  open: string
  /** Null: to the end of the text. */
  close: string | null
  /** A token of its own that nobody else writes: it need not begin a line. */
  isToken: boolean
  /** The calls in what stands between; undefined where it is none, or any of them is of no known tool. */
  read: (body: string, tools: KnownTools) => NotedCall[] | undefined
}

type Loose = { name: string; args: unknown }

/** All of them, or none. @throws whatever JSON cannot take */
function noted(calls: readonly Loose[] | undefined, tools: KnownTools): NotedCall[] | undefined {
  if (!calls || calls.length === 0) return undefined
  const all: NotedCall[] = []
  for (const { name, args } of calls) {
    const object: unknown = typeof args === 'string' ? (args.trim() === '' ? {} : JSON.parse(args)) : (args ?? {})
    if (!tools.has(name) || !isJson(object)) return undefined
    all.push({ name, input: JSON.stringify(object) })
  }
  return all
}

type Reader = (body: string, tools: KnownTools) => Loose[] | undefined

/** The first of these that reads calls. */
const reader =
  (...readers: Reader[]): Notation['read'] =>
  (body, tools) => {
    for (const read of readers) {
      try {
        const calls = noted(read(body, tools), tools)
        if (calls) return calls
      } catch {
        // It was no JSON.
      }
    }
    return undefined
  }

/** What a value in JSON asks for: `{"name", "arguments"}` by any of their names, or several of them. */
function callsIn(value: unknown): Loose[] {
  if (Array.isArray(value)) return value.flatMap(callsIn)
  const call = json(value)
  const inner = isJson(call.function) ? call.function : call
  const name = inner.name ?? inner.tool_name ?? inner.function
  const args = inner.arguments ?? inner.parameters ?? inner.args ?? inner.input
  return typeof name === 'string' ? [{ name, args }] : [{ name: '', args }]
}

/** JSON, one value or several one after the other; behind them nothing, unless `isLoose`. */
const inJson =
  (isLoose = false) =>
  (body: string): Loose[] | undefined => {
    const calls: Loose[] = []
    let at = 0
    for (;;) {
      while (' \n\r\t,;'.includes(body[at] ?? '-')) at++
      const end = body[at] === '{' || body[at] === '[' ? spanOf(body, at)?.end : undefined
      if (end === undefined) break
      calls.push(...callsIn(JSON.parse(body.slice(at, end))))
      at = end
    }
    return isLoose || at >= body.length ? calls : undefined
  }

/** What stands between two marks, from a place on. */
function between(text: string, open: string, close: string, from: number): { words: string; end: number } | undefined {
  const start = text.indexOf(open, from)
  const end = start < 0 ? -1 : text.indexOf(close, start + open.length)
  return end < 0 ? undefined : { words: text.slice(start + open.length, end), end: end + close.length }
}

/** A parameter that is no JSON text by itself: what its schema says is text stays that. */
function parameterOf(words: string, name: string, schema: Json | undefined): unknown {
  const { type } = json(json(schema?.properties)[name])
  const bare = words.replace(/^\r?\n/, '').replace(/\r?\n$/, '')
  if (type === 'string') return bare
  try {
    return JSON.parse(bare)
  } catch {
    return bare
  }
}

/** How an element begins, what ends its name, and how it ends. */
type Marks = readonly [open: string, name: string, close: string]

/** Parameters in tags. */
function tagged(body: string, [open, name, close]: Marks, schema: Json | undefined): Json {
  const args: Array<[string, unknown]> = []
  for (let at = 0; ; ) {
    const head = between(body, open, name, at)
    if (!head) return Object.fromEntries(args)
    const start = name === '>' ? head.end : body.indexOf('>', head.end) + 1
    const end = start <= 0 ? -1 : body.indexOf(close, start)
    if (end < 0) return Object.fromEntries(args)
    args.push([head.words.trim(), parameterOf(body.slice(start, end), head.words.trim(), schema)])
    at = end + close.length
  }
}

/**
 * Elements of which each names a tool, with its parameters in tags; of the last one the end may be missing. A name without quotes may
 * have white space around it, and JSON behind it.
 */
const inElements =
  ([open, name, close]: Marks, parameter: Marks) =>
  (body: string, tools: KnownTools): Loose[] => {
    const isBare = name === '>'
    const calls: Loose[] = []
    for (let at = 0; at >= 0; ) {
      const head = between(body, open, name, at)
      if (!head) break
      at = body.indexOf(close, head.end)
      const inner = body.slice(head.end, at < 0 ? undefined : at).trim()
      const tool = isBare ? head.words.trim() : head.words
      const isJsonText = isBare && inner.startsWith('{')
      calls.push({ name: tool, args: isJsonText ? inner : tagged(inner, parameter, tools.get(tool)) })
    }
    return calls
  }

/** Qwen's coders and Llama: `<function=add>`, with JSON or `<parameter=a>` in it. */
const inFunctions = inElements(['<function=', '>', '</function>'], ['<parameter=', '>', '</parameter>'])

/** `<invoke name="add"><parameter name="a">1</parameter></invoke>`, as MiniMax and DeepSeek have it. */
const invokes = inElements(['<invoke name="', '"', '</invoke>'], ['<parameter name="', '"', '</parameter>'])
const inInvokes = (body: string, tools: KnownTools): Loose[] => invokes(body.replaceAll('｜DSML｜', ''), tools)

/** GLM: the name, then keys and values in tags. */
function inKeys(body: string, tools: KnownTools): Loose[] {
  const first = body.indexOf('<arg_key>')
  const name = (first < 0 ? body : body.slice(0, first)).trim()
  const args: Array<[string, unknown]> = []
  for (let at = first; at >= 0; ) {
    const key = between(body, '<arg_key>', '</arg_key>', at)
    const value = key && between(body, '<arg_value>', '</arg_value>', key.end)
    if (!key || !value) break
    args.push([key.words.trim(), parameterOf(value.words, key.words.trim(), tools.get(name))])
    at = value.end
  }
  return [{ name, args: Object.fromEntries(args) }]
}

/** Python, and what else `WrittenCalls` reads. */
const inWriting: Reader = (body, tools) => whole(body, (source) => new WrittenCalls(source, tools.keys()).calls())

/** Several in lines of their own, without a comma: a call of Python's in each. */
const inElementsOrLines: Reader = (body, tools) =>
  body.includes('<') && body.includes('invoke') ? inInvokes(body, tools) : inWriting(body, tools)

/** Apertus: objects with one member each, which is called as the tool. */
const inMembers: Reader = (body) => {
  const value: unknown = JSON.parse(body)
  return Array.isArray(value)
    ? value.flatMap((one) => Object.entries(json(one)).map(([name, args]) => ({ name, args })))
    : undefined
}

const NAME = /^\s*(?:function<｜tool▁sep｜>)?(?:functions\.)?([\w-]+)/

/** A name, marks, and JSON, behind a mark each: DeepSeek, Kimi, Mistral's newer models. */
const inSegments =
  (mark: string) =>
  (body: string): Loose[] =>
    body.split(mark).flatMap((segment): Loose[] => {
      if (segment.trim() === '') return []
      const start = segment.indexOf('{')
      const [, name = ''] = NAME.exec(segment) ?? []
      // Without its JSON it is none, and then none of them is.
      return [{ name: start < 0 ? '' : name, args: segment.slice(start, spanOf(segment, start)?.end) }]
    })

/** gpt-oss: what its server left of the harmony format, behind `functions.`. */
function inHarmony(body: string): Loose[] | undefined {
  const [name = ''] = /^[\w-]+/.exec(body) ?? []
  const message = body.indexOf('<|message|>')
  const start = message < 0 ? -1 : body.indexOf('{', message)
  return start < 0 ? undefined : [{ name, args: body.slice(start, spanOf(body, start)?.end) }]
}

const tags = (open: string, close: string, read: Notation['read']): Notation => ({ open, close, isToken: false, read })
const tokens = (open: string, close: string | null, read: Notation['read']): Notation => ({
  open,
  close,
  isToken: true,
  read,
})

const mistral = (body: string): Loose[] | undefined =>
  /^\s*[[{]/.test(body) ? inJson(true)(body) : inSegments('[TOOL_CALLS]')(body)
const hermes = (body: string, tools: KnownTools): Loose[] | undefined => {
  if (body.includes('<function=')) return inFunctions(body, tools)
  return /^\s*[[{]/.test(body) ? inJson()(body) : inKeys(body, tools)
}

/** What is behind Llama's mark, also with the mark of its end. */
const inTag: Reader = (body, tools) => whole(body, (source) => new WrittenCalls(source, tools.keys()).answer())

/** Of these, as they leak from servers that do not know their model's notation: vLLM, llama.cpp, Ollama, LM Studio, SGLang and others. */
export const NOTATIONS: readonly Notation[] = [
  tags('<tool_call>', '</tool_call>', reader(hermes, inWriting)),
  tags(
    '<function=',
    '</function>',
    reader((body, tools) => inFunctions(`<function=${body}`, tools)),
  ),
  // Jamba, Hunyuan, MiniMax M1.
  tags('<tool_calls>', '</tool_calls>', reader(inJson(), inWriting)),
  // Qwen's older coders, and others that take one tag for another.
  tags('<tools>', '</tools>', reader(inJson())),
  tags('<tool>', '</tool>', reader(inJson())),
  // Granite's older ones.
  tags('<function_call>', '</function_call>', reader(inJson())),
  // Nemotron.
  tags('<TOOLCALL>', '</TOOLCALL>', reader(inJson())),
  tags('<longcat_tool_call>', '</longcat_tool_call>', reader(hermes)),
  tags('<seed:tool_call>', '</seed:tool_call>', reader(inFunctions)),
  // Claude's followers, and OLMo in Python.
  tags('<function_calls>', '</function_calls>', reader(inElementsOrLines)),
  tags('<minimax:tool_call>', '</minimax:tool_call>', reader(inInvokes)),
  tokens('<｜DSML｜function_calls>', '</｜DSML｜function_calls>', reader(inInvokes)),
  tokens('<｜DSML｜tool_calls>', '</｜DSML｜tool_calls>', reader(inInvokes)),
  // Gemma, and Gemini behind an OpenAI wire.
  tags('```tool_code', '```', reader(inWriting)),
  tags('```tool_calls', '```', reader(inJson(), inWriting)),
  tags('```tool_call', '```', reader(inJson(), inWriting)),
  tags('[TOOL_REQUEST]', '[END_TOOL_REQUEST]', reader(inJson())),
  tokens('[TOOL_CALLS]', null, reader(mistral)),
  tokens('<|python_tag|>', null, reader(inJson(true), inTag)),
  tokens('<|python_start|>', '<|python_end|>', reader(inWriting)),
  // LFM2.
  tokens('<|tool_call_start|>', '<|tool_call_end|>', reader(inJson(), inWriting)),
  // Gemma 4, and FunctionGemma.
  tokens('<|tool_call>', '<tool_call|>', reader(inWriting)),
  tokens('<start_function_call>', '<end_function_call>', reader(inWriting)),
  tokens('<|tool_call|>', '<|/tool_call|>', reader(inJson(true))),
  // Phi-4-mini.
  tokens('<|tool_calls|>', '<|/tool_calls|>', reader(inJson(true))),
  tokens('<|tools_prefix|>', '<|tools_suffix|>', reader(inMembers)),
  tokens('<|action_start|><|plugin|>', '<|action_end|>', reader(inJson())),
  tokens('<|START_ACTION|>', '<|END_ACTION|>', reader(inJson())),
  tokens('<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>', reader(inSegments('<｜tool▁call▁begin｜>'))),
  tokens('<|tool_calls_section_begin|>', '<|tool_calls_section_end|>', reader(inSegments('<|tool_call_begin|>'))),
  tokens('<|channel|>commentary to=functions.', '<|call|>', reader(inHarmony)),
  tokens('<|start|>assistant<|channel|>commentary to=functions.', '<|call|>', reader(inHarmony)),
  tokens('<|start|>assistant to=functions.', '<|call|>', reader(inHarmony)),
]
