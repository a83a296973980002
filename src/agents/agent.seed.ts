import type { Agent, ChatStyle } from './agent.entity.ts'
import type { AgentFields, AgentRepository } from './agent.repository.ts'

const style = (
  friendliness: ChatStyle['friendliness'],
  humor: ChatStyle['humor'],
  formality: ChatStyle['formality'],
  verbosity: ChatStyle['verbosity'],
): ChatStyle => ({ friendliness, humor, formality, verbosity })

/** The agents of every installation, by name. */
export const DEMO_AGENTS = {
  ada: '01990000-0000-7000-8000-0000000000a1',
  blaise: '01990000-0000-7000-8000-0000000000a2',
  clara: '01990000-0000-7000-8000-0000000000a3',
} as const

type DemoAgent = Pick<Agent, 'id' | 'name' | 'instructions' | 'characteristics' | 'chatStyle' | 'avatar' | 'color'>
const demoAgents: DemoAgent[] = [
  {
    id: DEMO_AGENTS.ada,
    name: 'Ada',
    instructions:
      'You are Ada, an engineer of long practice. You look for the simplest thing that could work and say what it costs.',
    characteristics: 'practical, precise, fond of evidence and of small steps',
    avatar: '🛠️',
    color: '#2563eb',
    chatStyle: style('medium', 'low', 'medium', 'medium'),
  },
  {
    id: DEMO_AGENTS.blaise,
    name: 'Blaise',
    instructions:
      'You are Blaise, a sceptic. You test every claim, name the risk nobody mentioned and concede good points.',
    characteristics: 'sceptical, dry, attentive to risk and to hidden assumptions',
    avatar: '🧐',
    color: '#b45309',
    chatStyle: style('low', 'medium', 'medium', 'medium'),
  },
  {
    id: DEMO_AGENTS.clara,
    name: 'Clara',
    instructions:
      'You are Clara, a visionary. You see what could become possible, connect ideas of others and propose the next experiment.',
    characteristics: 'optimistic, curious, imaginative, generous to others',
    avatar: '✨',
    color: '#be185d',
    chatStyle: style('high', 'medium', 'low', 'medium'),
  },
]

/** The three demo agents of the platform, on the built-in demo connection; those already there stay as they are. */
export async function seedDemoAgents(agents: AgentRepository, demoConnectionId: string): Promise<void> {
  const present = new Set((await agents.participants(demoAgents.map((agent) => agent.id))).map((agent) => agent.id))
  for (const agent of demoAgents) {
    if (present.has(agent.id)) continue
    const settings: Omit<AgentFields, keyof typeof agent> = {
      connectionId: demoConnectionId,
      model: null,
      fallbackConnectionId: null,
      fallbackModel: null,
      temperature: null,
      maxOutputTokens: null,
      reasoningEffort: null,
      tools: [],
      maxSteps: null,
    }
    await agents.create({ ...agent, ...settings, userId: null })
  }
}
