import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { ApiError, type ChatspartyClient } from '../../src/client/client.ts'
import type { ServerEvent } from '../../src/contract/events.ts'
import { type AcceptedView, isTerminal } from '../../src/contract/views.ts'
import { EventReader } from './event-reader.ts'
import { expectSettledOnce } from './invariants.ts'
import type { MockLlm } from './mock-llm.ts'
import { eventually, moved, QUIET_MS, quietFor } from './pace.ts'
import { Screen } from './screen.ts'

/** A small seeded generator of numbers from 0 to 1 (mulberry32), so that an order of events can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** So many of each kind, in a seeded random order. */
export function shuffled<K extends string>(counts: Record<K, number>, random: () => number): K[] {
  const isKind = (name: string): name is K => Object.hasOwn(counts, name)
  return Object.keys(counts)
    .filter(isKind)
    .flatMap((kind) => Array.from({ length: counts[kind] }, () => ({ kind, order: random() })))
    .toSorted((a, b) => a.order - b.order)
    .map(({ kind }) => kind)
}

/** True where it was the server that was not there, and nothing is wrong with what was asked. */
export const isAway = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 0 || error.status >= 500)

/** Repeats what failed for want of a server, as a person would, for as long as anything moves. */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isAway(error) || quietFor() > QUIET_MS) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** A new long text for every request, with characters of every width; about `seconds` long at 24 characters each 15 ms. */
export function speakAtLength(llm: MockLlm, random: () => number, seconds = 1): void {
  let serial = 0
  const words = ['tea', 'coffee', 'naïve', '🫖', 'a 👩‍🚀 in 東京', 'übermorgen', 'why not', 'quite so,', 'ЧАЙ']
  const text = () => {
    let said = `Speech ${serial++}:`
    const length = seconds * (600 + 1_000 * random())
    while (said.length < length) said += ` ${words[Math.floor(random() * words.length)]}`
    return `${said}.`
  }
  llm.reply({ text, paceMs: 15, chunkSize: 24 })
}

const hasEndOf = (events: readonly ServerEvent[], runId: string): boolean =>
  events.some((event) => 'run' in event && event.run.id === runId && isTerminal(event.run.status))

/** Follows one conversation as server-sent events, over all cuts, by nothing but the last id. */
export class StreamFollower {
  readonly events: ServerEvent[] = []
  /** Streams that were opened. */
  opened = 0
  readonly #done: Promise<void>
  #reader: EventReader | undefined
  #isOver = false

  constructor(baseUrl: string, token: string, conversationId: string) {
    this.#done = this.#follow(`${baseUrl}/api/chat/conversations/${conversationId}/events`, token)
    // Until `until` awaits it.
    this.#done.catch(() => {})
  }

  /** Goes on until the end of each of these runs was told (as `isTold` sees it), then hangs up. */
  async until(runIds: string[], isTold = hasEndOf): Promise<void> {
    await eventually(() => {
      const events = [...this.events, ...(this.#reader?.events ?? [])]
      return runIds.every((runId) => isTold(events, runId))
    })
    this.#isOver = true
    this.#reader?.close()
    await this.#done
  }

  async #follow(url: string, token: string): Promise<void> {
    let lastEventId: string | undefined
    while (!this.#isOver) {
      try {
        this.#reader = await EventReader.open(url, token, lastEventId)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
        continue
      }
      moved()
      this.opened++
      await this.#reader.ended
      this.events.push(...this.#reader.events)
      lastEventId = this.#reader.lastEventId || lastEventId
      this.#reader = undefined
    }
  }
}

interface PartiesOptions {
  client: ChatspartyClient
  agentIds: string[]
  /** Conversations at once. */
  lanes: number
  maxTurns: number
}

/** Parties one after another in several conversations, all followed by one client, until `stop`. */
export class Parties {
  readonly screen = new Screen()
  readonly accepted: AcceptedView[] = []
  readonly #options: PartiesOptions
  readonly #done: Promise<unknown>
  #stopping = false

  constructor(options: PartiesOptions) {
    this.#options = options
    this.#done = Promise.all(Array.from({ length: options.lanes }, () => this.#lane()))
    // Until `stop` awaits it.
    this.#done.catch(() => {})
  }

  /** Lets the parties under way end; rejects when anything was shown wrong. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#done
  }

  async #lane(): Promise<void> {
    const { client, agentIds, maxTurns } = this.#options
    let conversationId: string | undefined
    while (!this.#stopping) {
      const body = {
        agentIds,
        message: 'Tea or coffee?',
        maxTurns,
        conversationId,
        idempotencyKey: crypto.randomUUID(),
      }
      const accepted: AcceptedView = await insist(() => client.startParty(body))
      this.accepted.push(accepted)
      conversationId = accepted.conversationId
      const following = client.follow(conversationId, { untilRun: accepted.runId })
      for await (const change of following) {
        // What was said in this conversation before comes with every new following.
        const runId = 'run' in change ? change.run.id : 'runId' in change ? change.runId : accepted.runId
        if (runId === accepted.runId) this.screen.show(change)
      }
    }
  }
}

/** Every turn of these runs was shown exactly as the rows have it, and each was settled once. Answers the number of turns. */
export async function expectShownAsStored(db: DataSource, { screen, accepted }: Parties) {
  const runIds = accepted.map(({ runId }) => runId)
  const stored: { runId: string; turn: number; text: string; attempt: number }[] = await db.query(
    `SELECT m.run_id AS "runId", m.turn, m.content AS text, t.attempt
     FROM messages m JOIN turns t ON t.run_id = m.run_id AND t.index = m.turn
     WHERE m.run_id = ANY($1::uuid[]) AND m.role = 'agent'`,
    [runIds],
  )
  const named = (turns: { runId: string; turn: number; text: string }[]) =>
    Object.fromEntries(turns.map(({ runId, turn, text }) => [`${runId}:${turn}`, text]))
  expect(named(screen.completed)).to.deep.equal(named(stored))
  const statuses: { status: string }[] = await db.query('SELECT DISTINCT status FROM runs WHERE id = ANY($1::uuid[])', [
    runIds,
  ])
  expect(statuses).to.deep.equal([{ status: 'completed' }])
  for (const runId of runIds) {
    expect(screen.hasEnded(runId)).to.equal(true)
    await expectSettledOnce(db, runId)
  }
  return { turns: stored.length, spokenAgain: stored.filter(({ attempt }) => attempt > 1).length }
}

/** `median / maximum` of durations in ms. */
export function figures(durations: number[]): string {
  const sorted = durations.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
  return `${at(0.5)} / ${at(1)} ms`
}
