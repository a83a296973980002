import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isTerminal } from '../../contract/views.ts'
import type { Tx } from '../../database/transaction.ts'
import { AppError } from '../../shared/errors.ts'
import type { DoorService } from '../door.service.ts'
import type { DoorModel } from '../door-models.ts'
import type { ThreadName } from '../door-thread.repository.ts'
import { BETWEEN_SPEAKERS, type HistoryLine, speakerLabel } from './chat-history.ts'

/** A conversation that a history is of, word for word. */
export interface KnownHistory {
  conversationId: string
  /** Its name until something more is said in it. */
  thread: ThreadName
}

/** Somebody went on in the same conversation at the same moment. */
export class HistoryTaken extends Error {}

const noted = z.object({ runId: z.guid() })

/**
 * Finds the conversations of clients that send the whole history again with every message, so that a chat of twenty messages is one
 * conversation, and not twenty. A request is noted under a hash of all that it says. The next one says the same, then what was answered,
 * then something new: when the answer is the one that is kept, and nothing was said since, it goes on there. In every other case
 * (another answer, a message that was changed, a branch) its conversation begins anew, with the history as it was sent.
 */
export class Histories {
  readonly #doors: DoorService

  constructor(doors: DoorService) {
    this.#doors = doors
  }

  async find(userId: string, model: DoorModel, lines: HistoryLine[]): Promise<KnownHistory | undefined> {
    const asked = lines.findLastIndex(({ role }, place) => role === 'user' && place < lines.length - 1)
    const answer = lines.slice(asked + 1, -1)
    if (asked < 0 || answer.length === 0 || answer.some(({ role }) => role !== 'assistant')) return undefined
    const thread = threadOf(userId, model, lines.slice(0, asked + 1))
    const known = await this.#doors.thread(thread)
    const { runId } = noted.safeParse(known?.given).data ?? {}
    if (!known || !runId) return undefined
    const text = answer.map(({ content }) => content).join(BETWEEN_SPEAKERS)
    return (await this.#wasAnswered(userId, runId, text, model.kind === 'party'))
      ? { conversationId: known.conversationId, thread }
      : undefined
  }

  /** Notes what was said under the name by which `find` finds it. @throws HistoryTaken when somebody else went on there meanwhile */
  async note(
    {
      userId,
      model,
      lines,
      known,
    }: { userId: string; model: DoorModel; lines: HistoryLine[]; known?: KnownHistory | undefined },
    { conversationId, runId }: { conversationId: string; runId: string },
    tx: Tx,
  ): Promise<void> {
    const { threads } = this.#doors
    if (known && !(await threads.remove(known.thread, tx))) throw new HistoryTaken()
    await threads.put({ ...threadOf(userId, model, lines), conversationId, given: { runId } }, tx)
  }

  /** Whether a run was answered with this text, and nothing was said after it. */
  async #wasAnswered(userId: string, runId: string, text: string, namesSpeakers: boolean): Promise<boolean> {
    const run = await this.#doors.run(userId, runId).catch((error: unknown) => {
      if (error instanceof AppError && error.status === 404) return undefined
      throw error
    })
    if (!run || !isTerminal(run.status)) return false
    const words = await this.#doors.words(run)
    const said = words.map(({ agentName, content }) => (namesSpeakers ? speakerLabel(agentName ?? '') : '') + content)
    if (said.join(BETWEEN_SPEAKERS).trim() !== text.trim()) return false
    return words.at(-1)?.seq === ((await this.#doors.conversation(userId, run.conversationId))?.lastSeq ?? 0)
  }
}

function threadOf(userId: string, model: DoorModel, lines: HistoryLine[]): ThreadName {
  const said = lines.flatMap(({ role, content }) => (content.trim() === '' ? [] : [[role, content]]))
  const hash = createHash('sha256')
    .update(JSON.stringify([model.id, said]))
    .digest('base64url')
  return { userId, door: 'openai', thread: `history:${hash}` }
}
