import { z } from 'zod'
import type { Agent } from '../../src/agents/agent.entity.ts'
import type { BuiltinTool } from '../../src/contract/tool-names.ts'
import type { FilePassage } from '../../src/storage/context-selection.ts'
import { type AgentTool, type DefaultPolicy, hashOf } from '../../src/tools/tool.ts'
import { calculate, NoExpression } from './builtin/calculator.ts'
import { currentTime } from './builtin/current-time.ts'
import { fetchText } from './builtin/web-fetch.ts'
import { WrittenAddresses } from './builtin/written-addresses.ts'
import { type BoundTool, type ToolContext, ToolFailed, type ToolRun, type ToolSource } from './tool-source.ts'

interface BuiltinDependencies {
  files: {
    /** Passages of what the user and the conversation have that match, best first, within about so many tokens. */
    passagesLike(userId: string, query: string, tokenBudget: number): Promise<FilePassage[]>
  }
  /** Of the outbound guard for what users name: follows no redirect by itself. */
  hop: (url: string, init: RequestInit) => Promise<Response>
  timeoutMs: number
}

interface Builtin {
  title: string
  description: string
  arguments: z.ZodType<Record<string, unknown>>
  /** Where the owner says nothing of it, by the addresses that people wrote. */
  defaultPolicy(args: Record<string, unknown>, written: WrittenAddresses): DefaultPolicy
  run(args: Record<string, unknown>, run: ToolRun): string | Promise<string>
}

/** Tokens of passages that one search gives back. */
const SEARCH_TOKENS = 2_000

/** The built-in tools: all of them only read. */
export class BuiltinTools implements ToolSource {
  readonly #tools: Record<BuiltinTool, Builtin>
  readonly #timeoutMs: number

  constructor({ files, hop, timeoutMs }: BuiltinDependencies) {
    this.#timeoutMs = timeoutMs
    this.#tools = {
      calculator: tool({
        title: 'Calculator',
        description:
          'Computes an expression: numbers, + - * / % ^, parentheses, abs ceil cos exp floor ln log10 log2 max min round(value, digits) sin sqrt tan, pi and e.',
        arguments: z.object({ expression: z.string().min(1).max(1_000) }),
        run: ({ expression }) => {
          try {
            return String(calculate(expression))
          } catch (error) {
            if (error instanceof NoExpression) throw new ToolFailed('tool.failed', error.message)
            throw error
          }
        },
      }),
      current_time: tool({
        title: 'Current time',
        description: 'The date and time now, in a time zone such as Europe/Berlin; without one, in UTC.',
        arguments: z.object({ timeZone: z.string().max(100).optional() }),
        run: ({ timeZone = 'UTC' }) => {
          const time = currentTime(timeZone)
          if (!time)
            throw new ToolFailed('tool.failed', `There is no time zone ${timeZone}: give one such as Europe/Berlin.`)
          return time
        },
      }),
      search_files: tool({
        title: 'Search in files',
        description:
          "Looks for words in the user's files, and gives back the passages that fit best, each with its file and place, to be cited.",
        arguments: z.object({ query: z.string().min(1).max(500) }),
        run: async ({ query }, { userId }) => {
          const passages = await files.passagesLike(userId, query, SEARCH_TOKENS)
          return passages.map(quoteOf).join('\n\n') || 'Nothing was found in the files.'
        },
      }),
      web_fetch: tool({
        title: 'Read a web page',
        description: 'Reads a public page or text on the web by its address, and gives back its text.',
        arguments: z.object({ url: z.string().min(1).max(2_000) }),
        // An address that a model made up could carry out what it has read, because a page or a file told it to.
        defaultPolicy: ({ url }, written) => (written.has(url) ? 'allow' : 'ask'),
        run: ({ url }, { signal }) => fetchText(url, hop, signal),
      }),
    }
  }

  async toolsOf(agent: Agent, { userWords }: Pick<ToolContext, 'userWords'>): Promise<BoundTool[]> {
    const written = new WrittenAddresses([agent.instructions, ...userWords])
    return agent.tools.flatMap((choice): BoundTool[] => {
      const { name } = choice
      if (choice.serverId !== null || !isBuiltin(this.#tools, name)) return []
      const { title, description, arguments: schema, defaultPolicy, run } = this.#tools[name]
      const { $schema: _, ...inputSchema } = z.toJSONSchema(schema, { io: 'input' })
      const definition = { name, title, description, inputSchema, effect: 'reads' as const, keyed: false }
      const bound: AgentTool = {
        ...definition,
        source: 'builtin',
        serverId: null,
        sourceName: name,
        onUnknown: 'tell',
        policy: choice.policy,
        defaultPolicy: (args) => defaultPolicy(args, written),
        timeoutMs: this.#timeoutMs,
        definitionHash: hashOf(definition),
      }
      return [
        {
          tool: bound,
          run: async (args, context) => ({
            content: [{ type: 'text', text: await run(args, context) }],
            isError: false,
          }),
        },
      ]
    })
  }
}

const isBuiltin = (tools: Record<BuiltinTool, Builtin>, name: string): name is BuiltinTool => Object.hasOwn(tools, name)

/** Ties what is run to what its schema says; the arguments were checked against that before. It is allowed where it says nothing else. */
const tool = <T extends Record<string, unknown>>({
  defaultPolicy,
  ...builtin
}: {
  title: string
  description: string
  arguments: z.ZodType<T>
  defaultPolicy?: (args: T, written: WrittenAddresses) => DefaultPolicy
  run(args: T, run: ToolRun): string | Promise<string>
}): Builtin => ({
  ...builtin,
  defaultPolicy: (args, written) => defaultPolicy?.(builtin.arguments.parse(args), written) ?? 'allow',
  run: (args, run) => builtin.run(builtin.arguments.parse(args), run),
})

/** A passage with where it stands. */
const quoteOf = ({ name, page, heading, cells, text }: FilePassage): string => {
  const place = [page !== null && `page ${page}`, heading && `"${heading.slice(0, 200)}"`, cells]
    .filter(Boolean)
    .join(', ')
  return `[${name}${place && `, ${place}`}]\n${text}`
}
