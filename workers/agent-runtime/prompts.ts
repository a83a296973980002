import { type Described, gist } from '../../src/contract/speaker-prompt.ts'
import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import type { TurnKind } from '../../src/rounds/strategy.ts'

/** Stored with each turn: which wording made it. Raise it with every change below, and of `systemPrompt`. */
export const PROMPT_VERSION = '4'

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
