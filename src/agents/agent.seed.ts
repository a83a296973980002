import type { Agent, ChatStyle } from './agent.entity.ts'
import type { AgentFields, AgentRepository } from './agent.repository.ts'

const style = (
  friendliness: ChatStyle['friendliness'],
  humor: ChatStyle['humor'],
  formality: ChatStyle['formality'],
  verbosity: ChatStyle['verbosity'],
): ChatStyle => ({ friendliness, humor, formality, verbosity })

const demoAgents: Array<Pick<Agent, 'id' | 'name' | 'instructions' | 'characteristics' | 'chatStyle'>> = [
  {
    id: '01990000-0000-7000-8000-0000000000a1',
    name: 'Ada',
    instructions:
      'You are Ada, an engineer of long practice. You look for the simplest thing that could work and say what it costs.',
    characteristics: 'practical, precise, fond of evidence and of small steps',
    chatStyle: style('medium', 'low', 'medium', 'medium'),
  },
  {
    id: '01990000-0000-7000-8000-0000000000a2',
    name: 'Blaise',
    instructions:
      'You are Blaise, a sceptic. You test every claim, name the risk nobody mentioned and concede good points.',
    characteristics: 'sceptical, dry, attentive to risk and to hidden assumptions',
    chatStyle: style('low', 'medium', 'medium', 'medium'),
  },
  {
    id: '01990000-0000-7000-8000-0000000000a3',
    name: 'Clara',
    instructions:
      'You are Clara, a visionary. You see what could become possible, connect ideas of others and propose the next experiment.',
    characteristics: 'optimistic, curious, imaginative, generous to others',
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
      avatar: null,
      color: null,
    }
    await agents.create({ ...agent, ...settings, userId: null })
  }
}
