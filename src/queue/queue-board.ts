import type { RequestListener } from 'node:http'
import { Queue } from 'bullmq'

/** Boards that are open at once: one a ticket. */
const MOST_BOARDS = 20

/**
 * Bull Board, to look at the queues: read-only, for what an operator does to runs is done to their rows. Loaded when somebody looks. A
 * board knows the path that it is served at, so there is one for each.
 */
export class QueueBoards {
  readonly #queues: readonly unknown[]
  readonly #boards = new Map<string, Promise<RequestListener>>()

  /** `queues` are BullMQ's, on either backend. */
  constructor(queues: readonly unknown[]) {
    this.#queues = queues
  }

  at(basePath: string): Promise<RequestListener> {
    const known = this.#boards.get(basePath)
    if (known) return known
    const board = this.#open(basePath)
    this.#boards.set(basePath, board)
    board.catch(() => this.#boards.delete(basePath))
    for (const oldest of this.#boards.keys()) if (this.#boards.size > MOST_BOARDS) this.#boards.delete(oldest)
    return board
  }

  async #open(basePath: string): Promise<RequestListener> {
    const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
      import('@bull-board/api'),
      import('@bull-board/api/bullMQAdapter'),
      import('@bull-board/express'),
    ])
    const serverAdapter = new ExpressAdapter().setBasePath(basePath)
    const queues = this.#queues.filter((queue) => queue instanceof Queue)
    createBullBoard({
      queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
      serverAdapter,
      options: { uiConfig: { boardTitle: 'Chatsparty' } },
    })
    return serverAdapter.getRouter()
  }
}
