import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { ChatspartyClient } from '../../src/client/client.ts'
import { isTerminal, type RunView } from '../../src/contract/views.ts'
import type { MockLlm } from '../support/mock-llm.ts'
import { moved } from '../support/pace.ts'
import { decide, untilServed } from './guest.ts'
import { type Kind, type Owner, script, type Word } from './tool-deeds.ts'

const LOOK_MS = 100

export interface Asked {
  kind: Kind
  runId: string
  status: string
}

/** Somebody who has agents use tools, one run after another, and says yes or no where they ask. */
export class Asker {
  readonly asked: Asked[] = []
  /** How often it said yes to a call. */
  readonly words = new Map<string, number>()
  readonly faults: string[] = []
  readonly #owner: Owner
  readonly #llm: MockLlm
  readonly #random: () => number
  readonly #client: ChatspartyClient

  constructor(options: { owner: Owner; url: string; llm: MockLlm; random: () => number }) {
    this.#owner = options.owner
    this.#llm = options.llm
    this.#random = options.random
    this.#client = new ChatspartyClient({ url: options.url, token: options.owner.user.token })
  }

  /** A run of this kind, to its end. */
  async ask(kind: Kind): Promise<void> {
    const tag = randomUUID()
    script(this.#llm, kind, this.#owner, tag)
    const agentIds = Object.entries(this.#owner.agentIds).flatMap(([name, id]) => (name in kind.steps ? [id] : []))
    const [agentId = ''] = agentIds
    const common = { message: `Do it, ${tag}.`, idempotencyKey: tag }
    const { runId } = await untilServed(() =>
      agentIds.length === 1
        ? this.#client.chat({ ...common, agentId })
        : this.#client.startParty({ ...common, agentIds, strategy: 'panel' }),
    )
    const asked: Asked = { kind, runId, status: 'queued' }
    this.asked.push(asked)
    let seen = ''
    for (;;) {
      const run = await untilServed(() => this.#client.runs.get(runId))
      asked.status = run.status
      if (seen !== fingerprint(run)) moved()
      seen = fingerprint(run)
      if (isTerminal(run.status)) return
      await this.#judge(run, kind.word)
      await delay(LOOK_MS)
    }
  }

  /** What still waits for its word. */
  async waiting(): Promise<string[]> {
    const { data } = await untilServed(() => this.#client.approvals.list())
    return data.map(({ id }) => id)
  }

  async #judge(run: RunView, word: Word | undefined): Promise<void> {
    const { data } = await untilServed(() => this.#client.approvals.list())
    for (const approval of data) {
      if (approval.runId !== run.id) continue
      const said = approval.inDoubt ? (this.#random() < 0.5 ? 'approve' : 'deny') : (word ?? 'approve')
      if (said === 'expire') continue
      if (said === 'cancel') {
        await untilServed(() => this.#client.runs.cancel(run.id))
        return
      }
      const edited = said === 'edit' ? { text: `${JSON.parse(approval.call.args).text}, edited` } : undefined
      await decide(this.#client, approval.call, said !== 'deny', this.words, edited)
    }
  }
}

const fingerprint = ({ status, turns }: RunView): string =>
  JSON.stringify([status, turns.map((turn) => [turn.index, turn.status])])
