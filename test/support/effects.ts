import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AgentTool, hashOf } from '../../src/tools/tool.ts'
import { type BoundTool, ToolOutcomeUnknown, type ToolSource } from '../../workers/tools/tool-source.ts'

/** A deed as its server saw it. */
export interface Deed {
  tool: string
  key: string
  args: string
}

/** A server on the loopback whose deeds can be counted; those with a key it does once. */
export async function startEffects() {
  const requests: Deed[] = []
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req.setEncoding('utf8')) body += chunk
    const url = new URL(req.url ?? '/', 'http://effects')
    requests.push({ tool: url.pathname.slice(1), key: url.searchParams.get('key') ?? '', args: body })
    if (url.pathname === '/hang') return
    res.end(url.pathname === '/flood' ? 'flood '.repeat(200_000) : `did ${body}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    /** All requests, repeated ones too. */
    requests,
    /** What was done: keyed deeds once, others as often as they were asked for. */
    deeds: () => {
      const keys = new Set<string>()
      return requests.filter(({ tool, key }) => {
        if (tool !== 'keyed') return true
        const isNew = !keys.has(key)
        keys.add(key)
        return isNew
      })
    },
    reset: () => requests.splice(0),
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
export type Effects = Awaited<ReturnType<typeof startEffects>>

/** The id of the server that these tools pretend to be of. */
export const EFFECT_SERVER = '01990000-0000-7000-8000-0000000000ef'

/** Tools that do something at that server: keyed or not, told of or asked about where the outcome is unknown. */
export class EffectTools implements ToolSource {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async toolsOf(agent: {
    tools: Array<{ serverId: string | null; name: string; policy: AgentTool['policy'] | null }>
  }) {
    return agent.tools.flatMap(({ serverId, name, policy }): BoundTool[] => {
      if (serverId !== EFFECT_SERVER) return []
      const definition = {
        name,
        title: name,
        description: 'Does something.',
        inputSchema: { type: 'object', properties: { what: { type: 'string' } }, required: ['what'] },
        effect: 'writes' as const,
        keyed: name === 'keyed',
      }
      const tool: AgentTool = {
        ...definition,
        // A server that there is not is not looked for.
        source: 'builtin',
        serverId,
        sourceName: name,
        onUnknown: name === 'doubted' ? 'ask' : 'tell',
        policy: policy ?? 'ask',
        timeoutMs: name === 'hang' ? 60_000 : 10_000,
        definitionHash: hashOf(definition),
      }
      return [
        {
          tool,
          run: async ({ what }, { idempotencyKey, signal }) => {
            const response = await fetch(`${this.#url}/${name}?key=${idempotencyKey}`, {
              method: 'POST',
              body: String(what),
              signal,
            }).catch((cause: unknown) => {
              throw new ToolOutcomeUnknown('no answer', { cause })
            })
            return { content: [{ type: 'text', text: await response.text() }], isError: false }
          },
        },
      ]
    })
  }
}
