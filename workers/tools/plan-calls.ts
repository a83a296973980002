import { plainJson } from '../../src/contract/plain-json.ts'
import type { ToolFailureCode } from '../../src/contract/tool-failures.ts'
import { TOOL_NAME } from '../../src/contract/tool-names.ts'
import { newId } from '../../src/shared/ids.ts'
import { isJsonObject } from '../../src/shared/json-object.ts'
import { inspectJson } from '../../src/shared/json-size.ts'
import { storedJson } from '../../src/tools/stored-text.ts'
import { type AgentTool, defaultPolicyOf, digestOf } from '../../src/tools/tool.ts'
import { argumentProblems } from '../../src/tools/tool-arguments.ts'
import { ALL_CHARS } from '../../src/tools/tool-call.presenter.ts'
import type { PlannedCall, StoredCall } from '../../src/tools/tool-call.repository.ts'

/** A call as a model wrote it. */
export interface WrittenCall {
  id: string
  name: string
  /** JSON, or not. */
  input: string
  providerData: Record<string, unknown> | null
}

/** Calls of one step that are made; a model that asks for more is told so. */
export const MOST_AT_ONCE = 10
/** The same call with the same arguments is made so often in a turn. */
export const MOST_REPEATS = 3
/** UTF-16 units of a call's arguments. */
const MOST_ARGUMENT_CHARS = 32_768
const PROVIDER_CALL_ID = /^[a-zA-Z0-9_-]{1,64}$/

type Refusal = Pick<PlannedCall, 'status' | 'result' | 'errorCode'>
const refused = (errorCode: ToolFailureCode, result: string): Refusal => ({ status: 'failed', errorCode, result })

/**
 * Calls as they are written into the ledger: what runs, what a person is asked about, and what cannot be made, with words for the model.
 * `before`: the turn's calls so far.
 */
export function planCalls(
  written: readonly WrittenCall[],
  tools: ReadonlyMap<string, AgentTool>,
  before: readonly StoredCall[],
): PlannedCall[] {
  const taken = new Set(before.map(({ providerCallId }) => providerCallId))
  const made = before.map(({ name, args }) => keyOf(name, args))
  return written.map((one, position) => {
    const call = before.length + position
    const tool = toolNamed(one.name, tools)
    const name = tool?.name ?? nameFor(one.name)
    const args = argumentsIn(one.input)
    const key = keyOf(name, args ?? {})
    const judged =
      position >= MOST_AT_ONCE ? TOO_MANY : judge(one, args, tool, tools, made.filter((other) => other === key).length)
    made.push(key)
    const isOwn = PROVIDER_CALL_ID.test(one.id) && !taken.has(one.id)
    const providerCallId = isOwn ? one.id : ownId(call)
    taken.add(providerCallId)
    return {
      // Calls are listed by it, in the order in which they were asked for.
      id: newId(),
      call,
      providerCallId,
      providerData: one.providerData && (storedJson(one.providerData) as Record<string, unknown>),
      source: tool?.source ?? 'builtin',
      serverId: tool?.serverId ?? null,
      sourceName: tool?.sourceName ?? one.name.slice(0, 200).replaceAll('\0', '').toWellFormed(),
      name,
      title: tool?.title ?? name,
      definitionHash: tool?.definitionHash ?? null,
      effect: tool?.effect ?? 'reads',
      keyed: tool?.keyed ?? false,
      onUnknown: tool?.onUnknown ?? 'tell',
      args: args ?? {},
      inputSchema: judged.status === 'awaiting' ? (tool?.inputSchema ?? null) : null,
      ...judged,
    }
  })
}

/** Nine letters and digits: Mistral's templates take nothing else. */
const ownId = (call: number): string => `call${String(call).padStart(5, '0')}`

/**
 * The tool that is meant. Models put a space of names before it (`default_api.add`, `functions.add`), or leave off what makes it unique
 * beside others: then it is the one of that name, where there is only one.
 */
function toolNamed(name: string, tools: ReadonlyMap<string, AgentTool>): AgentTool | undefined {
  const bare = name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf(':'), name.lastIndexOf('/')) + 1)
  const found = tools.get(name) ?? tools.get(bare)
  if (found) return found
  const alike = [...tools.values()].filter(({ sourceName }) => sourceName === name || sourceName === bare)
  return alike.length === 1 ? alike[0] : undefined
}

const TOO_MANY = refused(
  'tool.too_many',
  `At most ${MOST_AT_ONCE} calls are made at once. Ask for the others afterwards.`,
)

function judge(
  { name }: WrittenCall,
  args: Record<string, unknown> | undefined,
  tool: AgentTool | undefined,
  tools: ReadonlyMap<string, AgentTool>,
  repeats: number,
): Refusal {
  if (!tool) {
    const known = [...tools.values()].filter(({ policy }) => policy !== 'deny').map((one) => one.name)
    return refused(
      'tool.unknown',
      `There is no tool of this name (${name.slice(0, 64)}). There are: ${known.join(', ') || 'none'}.`,
    )
  }
  if (!args) return refused('tool.bad_arguments', 'The arguments are no JSON object, or too long.')
  const problems = argumentProblems(tool.inputSchema, args)
  if (problems.length > 0) return refused('tool.bad_arguments', `The arguments do not fit: ${problems.join('; ')}`)
  if (repeats >= MOST_REPEATS) {
    return refused('tool.repeated', `This very call was made ${repeats} times already: use what it gave back.`)
  }
  if (tool.policy === 'deny') {
    return { ...refused('tool.denied', 'The user does not allow this tool. Go on without it.'), status: 'denied' }
  }
  const policy = tool.policy ?? defaultPolicyOf(tool, args)
  return { status: policy === 'ask' ? 'awaiting' : 'planned', errorCode: null, result: null }
}

/** Undefined for what is no object of JSON, or is too large. */
function argumentsIn(input: string): Record<string, unknown> | undefined {
  const text = input.trim() === '' ? '{}' : input
  if (text.length > MOST_ARGUMENT_CHARS || inspectJson(Buffer.from(text)).isTooLarge) return undefined
  try {
    const value: unknown = storedJson(JSON.parse(text))
    // Who decides on it is shown all of it, with what nobody would see written out.
    return isJsonObject(value) && plainJson(JSON.stringify(value)).length <= ALL_CHARS ? value : undefined
  } catch {
    return undefined
  }
}

/** A name that every provider takes back. */
const nameFor = (name: string): string =>
  TOOL_NAME.test(name) ? name : name.slice(0, 64).replace(/[^a-zA-Z0-9_-]/g, '_') || 'unnamed'

/** The same for the same call, in whatever order its arguments stand. */
const keyOf = (name: string, args: Record<string, unknown>): string => `${name} ${digestOf(args)}`
