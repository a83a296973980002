import { modelName } from '../../workers/mcp/mcp-tools.ts'
import type { TestUser } from '../support/api-client.ts'
import type { MockLlm, MockRequest } from '../support/mock-llm.ts'
import { speakerOf } from '../workers/party-world.ts'

/** What somebody says to a call that waits: `expire` is nothing at all, `edit` yes to something else, `cancel` the end of its run. */
export type Word = 'approve' | 'deny' | 'edit' | 'expire' | 'cancel'

/** A kind of run. */
export interface Kind {
  name: string
  /** One by one, or at the same time with a summary of the first. */
  steps: Partial<Record<Speaker, Use[][]>>
  word?: Word
}

const SPEAKERS = ['Ada', 'Blaise', 'Clara', 'Dora'] as const
type Speaker = (typeof SPEAKERS)[number]
/** Two servers are one, whose tools of unknown outcome are told of, or asked about. */
type Use = 'keyed' | 'told' | 'asked' | 'read' | 'calculate'
const TOOLS: Record<Use, { server: 'told' | 'asked' | null; name: string }> = {
  keyed: { server: 'told', name: 'add_keyed' },
  told: { server: 'told', name: 'add_unkeyed' },
  asked: { server: 'asked', name: 'add_unkeyed' },
  read: { server: 'told', name: 'read_notes' },
  calculate: { server: null, name: 'calculator' },
}
const OWNED: Record<Speaker, { policy: 'allow' | 'ask' | 'deny'; uses: readonly Use[] }> = {
  Ada: { policy: 'allow', uses: ['keyed', 'told', 'read', 'calculate'] },
  Blaise: { policy: 'allow', uses: ['asked'] },
  Clara: { policy: 'ask', uses: ['told', 'calculate'] },
  Dora: { policy: 'deny', uses: ['told'] },
}

export const KINDS: readonly Kind[] = [
  { name: 'keyed', steps: { Ada: [['keyed']] } },
  { name: 'unkeyed, told of', steps: { Ada: [['told']] } },
  { name: 'unkeyed, asked about', steps: { Blaise: [['asked']] } },
  { name: 'reads, and built in', steps: { Ada: [['read', 'calculate']] } },
  { name: 'two at once', steps: { Ada: [['keyed', 'told']] } },
  { name: 'two steps', steps: { Ada: [['keyed'], ['told']] } },
  { name: 'waits, approved', steps: { Clara: [['told']] }, word: 'approve' },
  { name: 'waits, approved otherwise', steps: { Clara: [['told']] }, word: 'edit' },
  { name: 'waits, denied', steps: { Clara: [['told']] }, word: 'deny' },
  { name: 'waits, expired', steps: { Clara: [['told']] }, word: 'expire' },
  { name: 'waits, cancelled', steps: { Clara: [['told', 'calculate']] }, word: 'cancel' },
  { name: 'forbidden', steps: { Dora: [['told']] } },
  {
    name: 'three at the same time',
    steps: { Ada: [['keyed'], ['told']], Blaise: [['asked']], Clara: [['told']] },
    word: 'approve',
  },
]

/** Somebody with a server of tools, and agents that have them. */
export interface Owner {
  user: TestUser
  serverIds: Record<'told' | 'asked', string>
  agentIds: Record<Speaker, string>
}

export async function prepare(user: TestUser, llm: MockLlm, serverUrl: string): Promise<Owner> {
  const server = async (onUnknown: 'tell' | 'ask') => {
    const id = await user.create('/api/mcp/servers', { name: `Notes, ${onUnknown}`, url: serverUrl })
    const listed = await user.post(`/api/mcp/servers/${id}/refresh`, {})
    const set = await user.put(`/api/mcp/servers/${id}/tools/add_unkeyed`, { onUnknown })
    if (listed.status !== 200 || set.status !== 200) throw new Error(JSON.stringify([listed.body, set.body]))
    return id
  }
  const serverIds = { told: await server('tell'), asked: await server('ask') }
  const baseUrl = llm.baseUrl('openai-compatible')
  const ids = await user.agentsOn({ provider: 'openai-compatible', baseUrl }, [...SPEAKERS])
  const [Ada = '', Blaise = '', Clara = '', Dora = ''] = ids
  const agentIds = { Ada, Blaise, Clara, Dora }
  for (const name of SPEAKERS) {
    const { policy, uses } = OWNED[name]
    const tools = uses.map((use) => {
      const { server: of, name: tool } = TOOLS[use]
      return { name: tool, policy, ...(of && { serverId: serverIds[of] }) }
    })
    const answer = await user.put(`/api/agents/${agentIds[name]}`, { tools })
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
  }
  return { user, serverIds, agentIds }
}

const isSummary = ({ system }: MockRequest): boolean => system.includes('You are also the moderator now')
const resultsIn = ({ messages }: MockRequest): number => messages.filter(({ role }) => role === 'tool').length

/** Has the model of a run, which is known by the tag in its question, ask for the kind's tools step by step, each with words of its own. */
export function script(llm: MockLlm, kind: Kind, { serverIds }: Owner, tag: string): void {
  const usage = { inputTokens: 100, outputTokens: 10 }
  const isOf = (request: MockRequest) => request.messages.some(({ text }) => text.includes(tag))
  llm.reply({ when: { match: isOf }, text: `That was ${tag}.`, usage })
  for (const [speaker, steps] of Object.entries(kind.steps)) {
    let before = 0
    for (const [step, uses] of steps.entries()) {
      const results = before
      before += uses.length
      llm.reply({
        when: {
          match: (request) =>
            isOf(request) &&
            speakerOf(request).startsWith(speaker) &&
            !isSummary(request) &&
            resultsIn(request) === results,
        },
        text: `Step ${step} of ${tag}.`,
        toolCalls: uses.map((use, at) => {
          const { server, name } = TOOLS[use]
          const note = `${tag} ${speaker} ${step}.${at}`
          if (server === null) return { name, arguments: { expression: '6 * 7' } }
          return { name: modelName(serverIds[server], name), arguments: { text: note } }
        }),
        usage,
      })
    }
  }
}
