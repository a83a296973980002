/**
 * What a speaker is told about itself: made here for models, and shown by editors of agents as it is written. Pure: browsers
 * import this file too. A change of any word is another `PROMPT_VERSION` (workers/agent-runtime/prompts.ts).
 */
import type { AgentView } from './agent-views.ts'
import type { StrategyName } from './views.ts'

/** What a speaker says who has nothing to add. */
export const PASS = '[pass]'

/** What of an agent its prompt is made of. */
export type Described = Pick<AgentView, 'id' | 'name' | 'instructions' | 'characteristics' | 'chatStyle'>
type ChatStyle = Described['chatStyle']

const STYLE: { [Trait in keyof ChatStyle]: Record<ChatStyle[Trait], string> } = {
  friendliness: { low: 'reserved', medium: 'friendly', high: 'warm and encouraging' },
  humor: { low: 'serious', medium: 'a light touch of humour now and then', high: 'witty' },
  formality: { low: 'casual', medium: 'plain', high: 'formal' },
  verbosity: { low: 'one or two sentences', medium: 'a short paragraph', high: 'as long as the matter needs' },
}

const styleOf = (agent: Described): string =>
  (['friendliness', 'humor', 'formality', 'verbosity'] as const)
    .map((trait) => STYLE[trait][agent.chatStyle[trait]])
    .join('; ')

/** What somebody is for, in one line for the others. */
export const gist = (agent: Described): string =>
  agent.characteristics || (agent.instructions.split(/(?<=[.!?])\s/)[0] ?? '').slice(0, 200)

/** What a turn is, besides its speaker and the room. */
export interface Occasion {
  strategy?: StrategyName
  /** As `TurnKind` of the rounds: an answer, the summing up of a panel, or the last words. */
  kind?: 'speak' | 'moderate' | 'wrap_up'
  /** What was said before the transcript begins. */
  summary?: string
}

const LAST_RULES: Record<'moderate' | 'wrap_up', string[]> = {
  moderate: [
    'You are also the moderator now. All answers to the question are in the transcript: sum them up for the user.',
    '- Say where they agree, where they differ and why, by name; then what follows from it.',
    '- Add no argument of your own, and leave nobody out.',
  ],
  wrap_up: ['- Yours are the last words of this conversation: say in a few sentences what it came to. Be brief.'],
}

const STRATEGY_RULES: Partial<Record<StrategyName, string>> = {
  mention: '- Whom you address by name speaks next, as in "Name, what do you think?"',
  handoff: '- End by handing over to the one of the others who should go on, by name, as in "Name, what do you think?"',
  panel: '- Everybody answers the same question at once: you do not hear the others yet, so speak to the user.',
}

/** The system prompt of a speaker: identity, style, who else is in the room, and how to talk in it. */
export function systemPrompt(speaker: Described, participants: readonly Described[], occasion: Occasion = {}): string {
  const { strategy, kind = 'speak', summary } = occasion
  const others = participants.filter((participant) => participant.id !== speaker.id)
  const identity = [
    `You are ${speaker.name}.`,
    speaker.instructions,
    speaker.characteristics && `Your character: ${speaker.characteristics}.`,
    `Your style: ${styleOf(speaker)}.`,
  ]
  const rule = strategy && kind === 'speak' ? STRATEGY_RULES[strategy] : undefined
  const room = others.length
    ? [
        'You take part in a conversation with the user and these agents:',
        ...others.map((other) => `- ${other.name}: ${gist(other)}`),
        'In the transcript, words of the others begin with their name, as in "Name: ...".',
        'How to talk here:',
        '- Speak only for yourself and never write words of the others; do not begin with your own name.',
        '- Address others by name; build on what was said or disagree with it, with reasons. Do not repeat.',
        '- Stay on what the user asked. The user may speak at any time: answer that first.',
        '- A greeting or a small question gets a short answer.',
        ...(rule ? [rule] : []),
        ...(kind === 'speak' ? [`- If you have nothing to add, reply with exactly ${PASS}`] : LAST_RULES[kind]),
      ]
    : ['A greeting or a small question gets a short answer.']
  const before = summary ? ['', 'What was said before the transcript begins, in short:', summary] : []
  return [...identity, '', ...room, ...before].filter((line) => line !== '' || others.length > 0).join('\n')
}
