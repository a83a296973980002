import type { EarlierMessage } from '../../chat/accept.repository.ts'
import { invalidRequest } from '../../shared/errors.ts'
import type { DoorModel } from '../door-models.ts'
import { MOST_EARLIER } from '../earlier-words.ts'

/** A message as a client of OpenAI's wire sends it. */
export interface HistoryLine {
  role: 'system' | 'developer' | 'user' | 'assistant'
  content: string
}

/**
 * Of a longer history, the latest messages are kept, and so many of what the client says of the whole at its beginning: MOST_EARLIER in all.
 * They are counted as they are written: one answer of a party is as many messages as its speakers took turns.
 */
const MOST_OPENING = 20

/** What is said now, and what was said before. */
export interface Told {
  message: string
  earlier: EarlierMessage[]
}

/**
 * Reads a request that has the whole history: its last message is said now, and the others become the first messages of a conversation
 * that begins. `goesOn`: the conversation is kept here, and what the user said behind the last answer is new.
 * @param path names the list in errors
 * @throws AppError 400 when the last message is not the user's
 */
export function toldBy(lines: HistoryLine[], model: DoorModel, goesOn: boolean, path: string): Told {
  const last = lines.at(-1)
  if (last?.role !== 'user' || last.content.trim() === '') {
    throw invalidRequest([{ path, message: 'must end with what the user says now' }])
  }
  if (goesOn) {
    const answered = lines.findLastIndex(({ role }) => role === 'assistant')
    const fresh = lines.slice(answered + 1).filter(({ role, content }) => role === 'user' && content.trim() !== '')
    return { message: fresh.map(({ content }) => content).join('\n\n'), earlier: [] }
  }
  const before = lines.slice(0, -1).filter(({ content }) => content.trim() !== '')
  const from = before.findIndex(({ role }) => !isOfSystem(role))
  const messages = (some: HistoryLine[]) => some.flatMap((line) => earlierOf(line, model))
  const opening = messages(before.slice(0, Math.max(from, 0)).slice(0, MOST_OPENING))
  const since = messages(before.slice(Math.max(from, 0)).slice(-MOST_EARLIER)).slice(opening.length - MOST_EARLIER)
  return { message: last.content, earlier: [...opening, ...since] }
}

const isOfSystem = (role: HistoryLine['role']): boolean => role === 'system' || role === 'developer'

function earlierOf({ role, content }: HistoryLine, model: DoorModel): EarlierMessage[] {
  if (role === 'user') return [{ role: 'user', agentId: null, agentName: null, content }]
  if (isOfSystem(role)) return [{ role: 'system', agentId: null, agentName: null, content }]
  if (model.kind === 'agent') return [{ role: 'agent', agentId: model.agent.id, agentName: model.agent.name, content }]
  return bySpeaker(content, model)
}

/** How an answer of a party names its speakers; `bySpeaker` takes it apart again. */
export const speakerLabel = (name: string): string => `${name}: `
/** Between two speakers. */
export const BETWEEN_SPEAKERS = '\n\n'

/** An answer of a party as its speakers said it: each by the name that stands in front. */
function bySpeaker(answer: string, { name: party, speakers }: DoorModel): EarlierMessage[] {
  const said: EarlierMessage[] = []
  for (const paragraph of answer.split(BETWEEN_SPEAKERS)) {
    const speaker = speakers.find(({ name }) => paragraph.startsWith(speakerLabel(name)))
    const last = said.at(-1)
    if (speaker) {
      const content = paragraph.slice(speakerLabel(speaker.name).length)
      said.push({ role: 'agent', agentId: speaker.id, agentName: speaker.name, content })
    } else if (last) last.content += BETWEEN_SPEAKERS + paragraph
    else said.push({ role: 'agent', agentId: null, agentName: party, content: paragraph })
  }
  return said.filter(({ content }) => content.trim() !== '')
}
