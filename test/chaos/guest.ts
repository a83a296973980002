import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AssertionError } from 'chai'
import { ApiError, type Change, ChatspartyClient } from '../../src/client/client.ts'
import type { ServerEvent } from '../../src/contract/events.ts'
import { type AcceptedView, isTerminal, type ToolCallView } from '../../src/contract/views.ts'
import type { TestUser } from '../support/api-client.ts'
import { isAway, StreamFollower } from '../support/chaos.ts'
import { EventReader } from '../support/event-reader.ts'
import { moved, QUIET_MS, quietFor } from '../support/pace.ts'
import { Screen } from '../support/screen.ts'

const STRATEGIES = ['round_robin', 'supervisor', 'mention', 'handoff', 'panel'] as const
const RUNS_A_CONVERSATION = 4
const SHARE = { chat: 0.2, stop: 0.12, interject: 0.12, upload: 0.08, yes: 0.7 }
const JUDGE_MS = 1_500
const PAUSE_MS = 100

/** What a guest did, for the audit at the end. */
export interface Asked extends AcceptedView {
  /** Unlike that of any other message. */
  content: string
}

/**
 * Whether a stream has told that a run is over: by its last event, or, where that was missed (Redis died with it), by a later snapshot in
 * which nothing runs any more.
 */
function isSeenOver(events: readonly ServerEvent[], runId: string): boolean {
  const isTold = events.some((event) => 'run' in event && event.run.id === runId && isTerminal(event.run.status))
  const last = isTold ? -1 : events.findLastIndex((event) => isOf(event, runId))
  return isTold || (last >= 0 && events.slice(last).some(isQuiet))
}

const isQuiet = (event: ServerEvent): boolean => event.type === 'conversation.snapshot' && event.activeRun === null

function isOf(event: ServerEvent, runId: string): boolean {
  if (event.type === 'conversation.snapshot') return event.messages.some((message) => message.runId === runId)
  if (event.type === 'message.created') return event.message.runId === runId
  return 'runId' in event ? event.runId === runId : 'run' in event && event.run.id === runId
}

/** Repeats what failed for want of a server, for as long as anything moves anywhere. */
export async function untilServed<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isRefusal = error instanceof ApiError && error.status > 0 && error.status < 500
      if (isRefusal || quietFor() > QUIET_MS) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

/** Says yes or no to a call of a tool, as often as it takes to be heard; one yes is one in `words`. */
export async function decide(
  client: ChatspartyClient,
  call: Pick<ToolCallView, 'id' | 'startedAt'>,
  isYes: boolean,
  words: Map<string, number>,
  args?: Record<string, unknown>,
): Promise<void> {
  let tries = 0
  try {
    await untilServed(() => {
      tries++
      return client.approvals.decide(call, { decision: isYes ? 'approve' : 'deny', ...(args && { arguments: args }) })
    })
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'approval.over')) throw error
    // It has expired, or its run is over, unless it was our own word that was taken before its answer was lost.
    if (tries === 1) return
  }
  if (isYes) words.set(call.id, (words.get(call.id) ?? 0) + 1)
}

/** One person with one conversation after another, who looks on through the typed client and as an event stream, by the balancer. */
export class Guest {
  readonly asked: Asked[] = []
  readonly uploads: { fileId: string; content: string }[] = []
  /** How often it said yes to a call of a tool. */
  readonly words = new Map<string, number>()
  readonly screen = new Screen()
  /** The texts of turns (`runId:turn`) as the event streams had them. */
  readonly streamed = new Map<string, string>()
  /** From asking to stop until the end was seen, in ms. */
  readonly stops: number[] = []
  /** What was seen and must not be. */
  readonly faults: string[] = []
  /** The longest time without anything new while a run was under way, in ms. */
  longestPause = 0
  readonly #user: TestUser
  readonly #agentIds: string[]
  readonly #url: string
  readonly #client: ChatspartyClient
  readonly #random: () => number
  #seenAt: number | undefined
  #awaiting: ((at: number) => void)[] = []
  #isLeaving = false

  constructor(options: { user: TestUser; agentIds: string[]; url: string; random: () => number }) {
    this.#user = options.user
    this.#agentIds = options.agentIds
    this.#url = options.url
    this.#random = options.random
    this.#client = new ChatspartyClient({ url: options.url, token: options.user.token })
  }

  /** Tells when something new is seen next, should a run be under way. */
  onNext(told: (at: number) => void): void {
    if (this.#seenAt !== undefined) this.#awaiting.push(told)
  }

  /** Goes on until `leave`. */
  async stay(): Promise<void> {
    const over = new AbortController()
    const judging = this.#judge(over.signal)
    while (!this.#isLeaving) {
      try {
        await this.#converse()
      } catch (error) {
        this.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
        if (quietFor() > QUIET_MS) break
      }
    }
    over.abort()
    await judging
    this.#client.close()
  }

  /** Looks now and then what its agents ask for in its conversation, and says yes or no. */
  async #judge(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await delay(JUDGE_MS)
      const conversationId = this.asked.at(-1)?.conversationId
      try {
        const { data } = await this.#client.approvals.list()
        for (const approval of data) {
          if (approval.conversationId === conversationId)
            await decide(this.#client, approval.call, this.#random() < SHARE.yes, this.words)
        }
      } catch (error) {
        if (!isAway(error)) this.faults.push(String(error))
      }
    }
  }

  /** After the runs that are under way. */
  leave(): void {
    this.#isLeaving = true
  }

  async #converse(): Promise<void> {
    const runIds = new Set<string>()
    let conversationId: string | undefined
    let stream: StreamFollower | undefined
    for (let run = 0; run < RUNS_A_CONVERSATION && !this.#isLeaving; run++) {
      const accepted = await this.#ask({ conversationId })
      conversationId = accepted.conversationId
      stream ??= new StreamFollower(this.#url, this.#user.token, conversationId)
      const waiting = [accepted.runId]
      for (let runId = waiting.shift(); runId; runId = waiting.shift()) {
        runIds.add(runId)
        const further = await this.#watch(conversationId, runId)
        if (further && !runIds.has(further)) waiting.push(further)
      }
    }
    if (!stream) return
    await stream.until([...runIds], isSeenOver)
    for (const [turn, text] of EventReader.turnsOf(stream.events)) this.streamed.set(turn, text)
    const messages = EventReader.messagesOf(stream.events.filter(({ type }) => type === 'message.created'))
    if (messages.length > new Set(messages).size) this.faults.push('an event stream told a message twice')
  }

  async #ask(more: { conversationId?: string; onBusy?: 'interject' }): Promise<AcceptedView> {
    const content = `Tea or coffee? ${randomUUID()}`
    const common = { message: content, idempotencyKey: randomUUID(), ...more }
    const [agentId = ''] = this.#agentIds
    const strategy = STRATEGIES[Math.floor(this.#random() * STRATEGIES.length)]
    const isChat = !more.onBusy && this.#random() < SHARE.chat
    const fileIds = isChat && this.#random() < SHARE.upload / SHARE.chat ? [await this.#upload()] : undefined
    const maxTurns = 2 + Math.floor(this.#random() * 4)
    this.#seenAt ??= performance.now()
    const accepted = await untilServed(() =>
      isChat
        ? this.#client.chat({ ...common, agentId, fileIds })
        : this.#client.startParty({ ...common, agentIds: this.#agentIds, strategy, maxTurns }),
    )
    this.asked.push({ ...accepted, content })
    return accepted
  }

  /** Looks on until the run is over; may stop it, or say something meanwhile, of which it answers the run. */
  async #watch(conversationId: string, runId: string): Promise<string | undefined> {
    const dice = this.#random()
    let saidAt: Promise<AcceptedView> | undefined
    let stoppedAt: number | undefined
    let hasSpoken = false
    for await (const change of this.#client.follow(conversationId, { untilRun: runId })) {
      const of = 'run' in change ? change.run.id : 'runId' in change ? change.runId : undefined
      if (of !== runId) continue
      this.#see(change)
      if (change.type === 'turn.text' && !hasSpoken) {
        hasSpoken = true
        if (dice < SHARE.stop) {
          stoppedAt = performance.now()
          untilServed(() => this.#client.runs.cancel(runId)).catch((error: unknown) => this.faults.push(String(error)))
        } else if (dice < SHARE.stop + SHARE.interject) {
          saidAt = this.#ask({ conversationId, onBusy: 'interject' })
          // Until it is awaited below.
          saidAt.catch(() => {})
        }
      }
      if (change.type === 'run.ended' && change.run.status === 'cancelled' && stoppedAt !== undefined)
        this.stops.push(performance.now() - stoppedAt)
    }
    const further = saidAt && (await saidAt).runId
    // Nothing is waited for now, unless what was said has begun a run of its own.
    if (further === undefined || further === runId) this.#seenAt = undefined
    return further === runId ? undefined : further
  }

  #see(change: Change): void {
    const now = performance.now()
    if (this.#seenAt !== undefined) this.longestPause = Math.max(this.longestPause, now - this.#seenAt)
    this.#seenAt = now
    for (const told of this.#awaiting.splice(0)) told(now)
    try {
      this.screen.show(change)
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error
      this.faults.push(`a watching client saw: ${error.message}`)
    }
    if (change.type === 'run.ended' && !isTerminal(change.run.status)) this.faults.push('a run ended that had not')
  }

  async #upload(): Promise<string> {
    const content = `The tea of ${randomUUID()} is strong.`
    const fileId = await untilServed(() => this.#user.upload('tea.txt', 'text/plain', content))
    moved()
    this.uploads.push({ fileId, content })
    return fileId
  }

  /** Every file that was taken, as it is given back: those that are not ready, or not what they were. */
  async badFiles(): Promise<string[]> {
    const bad: string[] = []
    for (const { fileId, content } of this.uploads) {
      const { status, error } = await untilServed(() => this.#user.fileSettled(fileId))
      const headers = { authorization: `Bearer ${this.#user.token}` }
      const path = `${this.#url}/api/storage/files/${fileId}/download`
      const text = await untilServed(async () => (await fetch(path, { headers })).text())
      if (status !== 'ready' || text !== content)
        bad.push(`${fileId} is ${status} (${error?.code}): ${text.slice(0, 200)}`)
    }
    return bad
  }
}
