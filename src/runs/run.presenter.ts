import { PROVIDER_FAILURES, type ProviderFailureCode } from '../contract/provider-failures.ts'
import type { ConversationView, RunNoticeView, RunTurnView, RunView } from '../contract/views.ts'
import type { Conversation } from '../conversations/conversation.entity.ts'
import { type Glance, presentConversation } from '../conversations/conversation.presenter.ts'
import { fromJson } from '../database/json-row.ts'
import { formatCredits } from '../shared/money.ts'
import type { Run } from './run.entity.ts'

/** A turn, why no supervisor chose its speaker, and whether that one's second connection answered. */
type NotedTurn = RunTurnView & { notice: string | null; onFallback: boolean }

/** A run as `run_views` answers it: the row, its turns, and its receipt in micro-credits. */
export interface RunViewRow {
  run: Record<string, unknown>
  turns: NotedTurn[]
  receipt: {
    inputTokens: number
    outputTokens: number
    credits: string
    released: string
    lost: string
    estimated: boolean
    steps: number
    inheritedSteps: number
  }
}

/** A conversation as `conversation_shown` answers it. */
export interface ShownConversationRow {
  conversation: Record<string, unknown>
  glance: Record<string, unknown>
  active: RunViewRow | null
  last: RunViewRow | null
}

export function presentShown({ conversation: row, glance, active, last }: ShownConversationRow): ConversationView {
  const found = fromJson<Conversation>(row)
  const conversation = {
    ...found,
    activeAt: new Date(found.activeAt),
    createdAt: new Date(found.createdAt),
    updatedAt: new Date(found.updatedAt),
  }
  return presentConversation(
    conversation,
    active && presentRun(active),
    last && presentRun(last),
    fromJson<Glance>(glance),
  )
}

const moment = (value: Date | string): string => new Date(value).toISOString()

/** A run as the API shows it, with its turns (ascending) and its receipt. */
export function presentRun({ run: row, turns, receipt }: RunViewRow): RunView {
  const run = fromJson<Run>(row)
  return {
    id: run.id,
    conversationId: run.conversationId,
    status: run.status,
    strategy: run.strategy,
    maxTurns: run.maxTurns,
    stopReason: run.stopReason,
    error: run.errorCode === null ? null : { code: run.errorCode, message: run.errorMessage ?? '' },
    turns: turns.map(({ notice: _, onFallback, ...turn }) => ({ ...turn, ...(onFallback && { onFallback }) })),
    receipt: {
      turns: turns.filter((turn) => turn.messageId !== null).length,
      inputTokens: Number(receipt.inputTokens),
      outputTokens: Number(receipt.outputTokens),
      credits: formatCredits(BigInt(receipt.credits)),
      released: formatCredits(BigInt(receipt.released)),
      estimated: receipt.estimated,
      lost: formatCredits(BigInt(receipt.lost)),
      steps: Number(receipt.steps),
      inheritedSteps: Number(receipt.inheritedSteps),
    },
    notices: turns.flatMap(noticesOf),
    createdAt: moment(run.createdAt),
    startedAt: run.startedAt && moment(run.startedAt),
    finishedAt: run.finishedAt && moment(run.finishedAt),
  }
}

/** Why a supervisor did not choose, besides failures of its provider. */
const NOTICES: Record<string, string> = {
  'supervisor.no_decision': 'The supervisor gave no usable answer.',
  'supervisor.not_asked': 'The supervisor could not be asked: its model or the credits for it are not at hand.',
}

/** Why an agent did less than it was asked for. */
const OF_SPEAKERS: Record<string, string> = {
  'tools.not_taken':
    "The agent's model takes no tools: it answered without them. Use another model, or test the connection again.",
}

function noticesOf({ index, notice }: NotedTurn): RunNoticeView[] {
  if (notice === null) return []
  const ofSpeaker = OF_SPEAKERS[notice]
  if (ofSpeaker) return [{ turn: index, code: notice, message: ofSpeaker }]
  const why = NOTICES[notice] ?? `The supervisor could not be asked. ${happened(notice)}`
  return [{ turn: index, code: notice, message: `${why} Whoever had been silent for longest spoke instead.`.trim() }]
}

const isFailure = (code: string): code is ProviderFailureCode => Object.hasOwn(PROVIDER_FAILURES, code)

function happened(code: string): string {
  const reason = code.replace('provider.', '')
  return isFailure(reason) ? PROVIDER_FAILURES[reason].happened : ''
}
