import fc from 'fast-check'
import type { ConversationEvent } from '../../src/contract/events.ts'
import type { MessageView, RunView, SnapshotView } from '../../src/contract/views.ts'

const uuid = (n: number) => `01990000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const AT = '2026-01-01T00:00:00.000Z'
export const CONVERSATION = uuid(0xc0)
export const RUN = uuid(0xf0)
const usage = {
  inputTokens: 1,
  outputTokens: 1,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}

/** How a turn goes: what each try says before it is lost, the last one's words, and what becomes of them. */
export interface ScriptedTurn {
  lost: string[][]
  words: string[]
  end: 'said' | 'passed' | 'failed'
}

/** One thing that happens, and how everything stands behind it. */
export interface Happening {
  event: ConversationEvent
  snapshot: SnapshotView
}

/**
 * A run as watchers are told of it, with what a snapshot at each moment would show. Turns of one step speak at the same time: `pick` says who
 * of so many goes on.
 */
export function scriptedRun(
  steps: ScriptedTurn[][],
  pick: (choices: number) => number,
  end: 'completed' | 'failed' | 'cancelled' = 'completed',
): { happenings: Happening[]; run: RunView; messages: MessageView[] } {
  const messages: MessageView[] = [userMessage()]
  const live = new Map<number, SnapshotView['live'][number]>()
  let run = runView()
  const happenings: Happening[] = []
  const tell = (event: ConversationEvent) => {
    const shown = structuredClone({ messages, live: [...live.values()], run })
    const snapshot: SnapshotView = {
      conversation: conversationView(),
      messages: shown.messages,
      activeRun: shown.run.finishedAt === null ? shown.run : null,
      live: shown.live,
    }
    happenings.push({ event: structuredClone(event), snapshot })
  }
  const row = (index: number, change: Partial<RunView['turns'][number]>) => {
    run = { ...run, turns: run.turns.map((turn) => (turn.index === index ? { ...turn, ...change } : turn)) }
  }
  function* speak(script: ScriptedTurn, index: number, agentId: string): Generator<void> {
    for (const [tries, words] of [...script.lost, script.words].entries()) {
      const attempt = tries + 1
      const at = { conversationId: CONVERSATION, runId: RUN, turn: index, attempt }
      live.set(index, { runId: RUN, turn: index, attempt, agentId, text: '' })
      row(index, { status: 'running', attempt, agentId })
      tell({ type: 'turn.started', ...at, agentId, agentName: nameOf(agentId) })
      yield
      for (const text of words) {
        const known = live.get(index)
        if (!known) break
        const offset = known.text.length
        known.text += text
        tell({ type: 'turn.delta', ...at, offset, text })
        yield
      }
      if (attempt <= script.lost.length) continue
      live.delete(index)
      const isSaid = script.end === 'said' && words.join('') !== ''
      const message = isSaid ? agentMessage(messages.length + 1, index, agentId, words.join('')) : null
      if (message) messages.push(message)
      row(index, { status: script.end === 'failed' ? 'failed' : 'completed', messageId: message?.id ?? null })
      if (script.end === 'failed') {
        tell({ type: 'turn.failed', ...at, error: { code: 'provider.bad', message: 'Bad.' }, willRetry: false })
      } else tell({ type: 'turn.completed', ...at, message, usage, credits: '0.000001' })
    }
  }
  tell({ type: 'run.updated', conversationId: CONVERSATION, run })
  let index = 0
  for (const step of steps) {
    const speakers = step.map((script, place) => {
      const at = index + place
      const turn = { index: at, agentId: uuid(0xa0 + place), status: 'queued' as const, attempt: 0, messageId: null }
      run = { ...run, turns: [...run.turns, turn] }
      return speak(script, at, turn.agentId)
    })
    index += step.length
    while (speakers.length > 0) {
      const chosen = pick(speakers.length)
      if (speakers[chosen]?.next().done) speakers.splice(chosen, 1)
    }
  }
  const error = end === 'failed' ? { code: 'provider.bad', message: 'Bad.' } : null
  const stopReason = { completed: 'finished', failed: 'failed', cancelled: 'cancelled' } as const
  run = { ...run, status: end, stopReason: stopReason[end], error, finishedAt: AT }
  tell({ type: `run.${end}`, conversationId: CONVERSATION, run })
  return { happenings, run, messages }
}

const nameOf = (agentId: string): string => `Agent ${agentId.slice(-2)}`
/** Of all who may speak, by their ids. */
export const NAMES: ReadonlyMap<string, string> = new Map(
  [0, 1, 2, 3].map((n) => [uuid(0xa0 + n), nameOf(uuid(0xa0 + n))]),
)

const words = fc.array(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 4 })
const turn: fc.Arbitrary<ScriptedTurn> = fc.record({
  lost: fc.array(words, { maxLength: 2 }),
  words,
  end: fc.constantFrom('said', 'said', 'said', 'passed', 'failed'),
})
const steps = fc.array(fc.array(turn, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
const pick = fc.infiniteStream(fc.nat()).map((numbers) => (choices: number) => (numbers.next().value ?? 0) % choices)
/** Any run. */
export const scripts = fc.record({ steps, pick })

const conversationView = (): SnapshotView['conversation'] => ({
  id: CONVERSATION,
  title: null,
  agentIds: [],
  strategy: 'round_robin',
  archived: false,
  version: 0,
  createdAt: AT,
  updatedAt: AT,
  activeRun: null,
})

const runView = (): RunView => ({
  id: RUN,
  conversationId: CONVERSATION,
  status: 'running',
  strategy: 'round_robin',
  maxTurns: 10,
  stopReason: null,
  error: null,
  turns: [],
  receipt: { turns: 0, inputTokens: 3, outputTokens: 4, credits: '0.000005', released: '0.000000', estimated: false },
  createdAt: AT,
  startedAt: AT,
  finishedAt: null,
})

const userMessage = (): MessageView => ({
  id: uuid(1),
  seq: 1,
  role: 'user',
  agentId: null,
  agentName: null,
  content: 'Tea or coffee?',
  status: 'complete',
  runId: RUN,
  turn: null,
  fileIds: [],
  createdAt: AT,
})

const agentMessage = (seq: number, turn: number, agentId: string, content: string): MessageView => ({
  ...userMessage(),
  id: uuid(seq),
  seq,
  role: 'agent',
  agentId,
  agentName: nameOf(agentId),
  content,
  turn,
  usage,
  credits: '0.000001',
})
