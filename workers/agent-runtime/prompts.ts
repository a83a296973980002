import type { Agent, ChatStyle, StyleLevel } from '../../src/agents/agent.entity.ts'
import type { StrategyName } from '../../src/contract/views.ts'
import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import type { TurnKind } from '../../src/rounds/strategy.ts'

/** Stored with each turn: which wording made it. Raise it with every change below. */
export const PROMPT_VERSION = '4'

/** What a speaker says who has nothing to add. */
export const PASS = '[pass]'

/** How a transcript names the user. */
export const USER_LABEL = 'User'

/** A picture as it goes to a model. */
export interface PromptImage {
  contentType: string
  data: Uint8Array
}

/** A message as models take it: the speaker's own words are the assistant's, everybody else's the user's. */
export type PromptMessage =
  | { role: 'user'; content: string; images?: PromptImage[] }
  | { role: 'assistant'; content: string }

type Described = Pick<Agent, 'id' | 'name' | 'instructions' | 'characteristics' | 'chatStyle'>

const STYLE: Record<keyof ChatStyle, Record<StyleLevel, string>> = {
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
const gist = (agent: Described): string =>
  agent.characteristics || (agent.instructions.split(/(?<=[.!?])\s/)[0] ?? '').slice(0, 200)

/** What a turn is, besides its speaker and the room. */
export interface Occasion {
  strategy?: StrategyName
  kind?: TurnKind
  /** What was said before the transcript begins. */
  summary?: string
}

const LAST_RULES: Record<Exclude<TurnKind, 'speak'>, string[]> = {
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

const CUE: Record<TurnKind, string> = {
  speak: '',
  moderate: ' Sum up the panel.',
  wrap_up: ' These are the last words: wrap up.',
}

/**
 * The transcript as the speaker reads it; in a party, others are named and the last line gives the floor. It begins with
 * the user, as Anthropic and Gemini insist, and is never empty.
 */
export function promptMessages(
  speaker: Described,
  participants: readonly Described[],
  transcript: readonly TranscriptLine[],
  kind: TurnKind = 'speak',
): PromptMessage[] {
  const party = participants.length > 1
  const lines = transcript.map((line): PromptMessage => {
    if (line.role === 'agent' && line.agentId === speaker.id) return { role: 'assistant', content: line.content }
    if (line.role === 'agent') return { role: 'user', content: `${line.agentName ?? 'An agent'}: ${line.content}` }
    return { role: 'user', content: party ? `${USER_LABEL}: ${line.content}` : line.content }
  })
  if (lines[0]?.role === 'assistant') lines.unshift({ role: 'user', content: '(The conversation began earlier.)' })
  if (party) return [...lines, { role: 'user', content: `(It is your turn, ${speaker.name}.${CUE[kind]})` }]
  return lines.at(-1)?.role === 'assistant' ? [...lines, { role: 'user', content: '(Please go on.)' }] : lines
}

/**
 * With what the conversation's files say before the last message, which gives the floor or asks: what comes before stays
 * the same from turn to turn, so that providers can cache it.
 */
export const withFiles = (
  messages: readonly PromptMessage[],
  files: { prompt: string; images: PromptImage[] } | undefined,
): PromptMessage[] =>
  files
    ? [...messages.slice(0, -1), { role: 'user', content: files.prompt, images: files.images }, ...messages.slice(-1)]
    : [...messages]

/**
 * Neighbours of one role as one message, a blank line between: strict chat templates take no others, and Mastra would glue
 * a speaker's own words together and drop equal ones.
 */
export function joinNeighbours(messages: readonly PromptMessage[]): PromptMessage[] {
  const joined: PromptMessage[] = []
  for (const message of messages) {
    const before = joined.at(-1)
    if (before?.role !== message.role) {
      joined.push({ ...message })
      continue
    }
    before.content = `${before.content}\n\n${message.content}`
    if (before.role === 'user' && message.role === 'user' && message.images?.length) {
      before.images = [...(before.images ?? []), ...message.images]
    }
  }
  return joined
}

/** What a supervisor is asked, with the transcript as everybody hears it. */
export function supervisorPrompt(
  participants: readonly Described[],
  transcript: readonly TranscriptLine[],
  { lastSpeaker, summary }: { lastSpeaker: string | undefined; summary?: string },
): { system: string; prompt: string } {
  const system = [
    'You moderate a conversation between a user and these agents:',
    ...participants.map((participant) => `- ${participant.name}: ${gist(participant)}`),
    'Decide who speaks next so that the user gets the best answer:',
    'whoever was addressed or has the most to say on the last point, and everybody in time.',
    lastSpeaker ? `Not ${lastSpeaker} again: nobody speaks twice in a row.` : 'Somebody must answer the user first.',
    'Set done when the question is answered and more words would only repeat; set handBackToUser when only the user can',
    'say what is needed next. Answer with JSON only, such as',
    '{"done": false, "handBackToUser": false, "next": "<name>", "reason": "<one short sentence>"}',
    ...(summary ? ['What was said before the transcript begins, in short:', summary] : []),
  ].join('\n')
  return { system, prompt: `${transcriptText(transcript)}\n(Who speaks next?)` }
}

/** A transcript as plain lines, everybody by name. */
export const transcriptText = (transcript: readonly TranscriptLine[]): string =>
  transcript
    .map((line) => `${line.role === 'agent' ? (line.agentName ?? 'An agent') : USER_LABEL}: ${line.content}`)
    .join('\n')

/** Names a conversation after its first words. */
export const TITLE_PROMPT =
  'Name this conversation in two to six words, in its own language, as a heading: no quotes, no full stop, no explanation.'

/** Sums up what no longer fits. */
export const SUMMARY_PROMPT = [
  'Keep the minutes of a conversation between a user and agents. You get the minutes so far and what was said since.',
  'Write the new minutes: what the user wants, what was decided and by whom, what is open, and facts, names and numbers',
  'that may be needed again. Drop small talk. At most 300 words, plain sentences, in the language of the conversation.',
].join('\n')
