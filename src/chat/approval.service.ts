import {
  type ApprovalView,
  type DecisionInput,
  MOST_WAITING,
  type RunToolCallView,
  type WaitingView,
} from '../contract/approval-views.ts'
import type { Announcer } from '../runs/announcer.ts'
import type { Dispatcher } from '../runs/dispatcher.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import { tellWaiting } from '../runs/tool-turns.ts'
import { AppError, invalidRequest, notFound } from '../shared/errors.ts'
import { storedJson } from '../tools/stored-text.ts'
import { argumentProblems } from '../tools/tool-arguments.ts'
import type { ToolCall } from '../tools/tool-call.entity.ts'
import { ALL_CHARS, presentToolCall } from '../tools/tool-call.presenter.ts'
import type { AwaitingCall, ToolCallRepository } from '../tools/tool-call.repository.ts'

export interface ApprovalDependencies {
  toolCalls: ToolCallRepository
  runs: Pick<RunRepository, 'findOwned'>
  announcer: Pick<Announcer, 'publish' | 'runEvent' | 'waiting'>
  dispatcher: Pick<Dispatcher, 'admit'>
  /** A run has so long again after a decision. */
  runDeadlineMs: number
}

/** A call, and where in its turn's words it stands. */
type PlacedCall = ToolCall & { offset: number }

/** What people are asked before tools run, and what they decide. The rows say it all: any node may ask, and any may be told. */
export class ApprovalService {
  readonly #deps: ApprovalDependencies

  constructor(dependencies: ApprovalDependencies) {
    this.#deps = dependencies
  }

  /** What waits for the user, newest first; in one conversation, where one is named. */
  async list(userId: string, page: Parameters<ToolCallRepository['awaiting']>[1]): Promise<ApprovalView[]> {
    return (await this.#deps.toolCalls.awaiting(userId, page)).map(presentApproval)
  }

  async count(userId: string): Promise<WaitingView> {
    return { waiting: await this.#deps.toolCalls.waiting(userId, MOST_WAITING) }
  }

  /**
   * Decides on a call, once. The decision, and that its turn is due, are one commit; after it the turn is enqueued.
   * @throws AppError 404 `approval.not_found`; 409 `approval.over`, `approval.asked_again`; 400 for arguments that do not fit
   */
  async decide(
    userId: string,
    id: string,
    { decision, arguments: args, startedAt, wasStarted = startedAt === undefined ? undefined : true }: DecisionInput,
  ): Promise<RunToolCallView> {
    const { toolCalls, announcer, dispatcher, runDeadlineMs } = this.#deps
    const asked = await toolCalls.findOwned(userId, id)
    if (!asked) throw notFound('approval')
    if (args) this.#check(asked, args)
    const edited = args ? (storedJson(args) as Record<string, unknown>) : null
    const decided = await toolCalls.decide(
      userId,
      id,
      { approved: decision === 'approve', args: edited, wasStarted: wasStarted ?? null, startedAt: startedAt ?? null },
      runDeadlineMs,
    )
    if (decided.outcome === 'missing') throw notFound('approval')
    if (decided.outcome === 'again') throw new AppError('approval.asked_again')
    if (!('runId' in decided)) throw new AppError('approval.over')
    // Once it is committed it is done: what is lost from here on, the reconciler finds.
    await dispatcher.admit(userId)
    await announcer.publish(decided.conversationId, decided.version, [await announcer.runEvent(decided.runId)])
    await tellWaiting({ toolCalls, announcer }, userId)
    return presentRunToolCall((await toolCalls.findOwned(userId, id)) ?? asked)
  }

  /** All that a run did with tools, in order. @throws AppError 404 `run.not_found` */
  async ofRun(userId: string, runId: string, limit: number, afterId: string | undefined): Promise<PlacedCall[]> {
    if (!(await this.#deps.runs.findOwned(userId, runId))) throw notFound('run')
    const after = afterId === undefined ? undefined : await this.#deps.toolCalls.findOwned(userId, afterId)
    return this.#deps.toolCalls.ofRun(runId, limit, after ?? undefined)
  }

  #check({ inputSchema, doubt }: ToolCall, args: Record<string, unknown>): void {
    if (inputSchema === null || doubt) throw invalidRequest([{ path: 'arguments', message: 'cannot be changed here' }])
    const problems = argumentProblems(inputSchema, args)
    if (problems.length > 0) throw invalidRequest(problems.map((message) => ({ path: 'arguments', message })))
  }
}

const presentApproval = ({ call, conversationId, conversationTitle, agentName }: AwaitingCall): ApprovalView => ({
  id: call.id,
  conversationId,
  conversationTitle,
  runId: call.runId,
  turn: call.turn,
  agentId: call.agentId,
  agentName,
  serverId: call.serverId,
  call: presentToolCall(call, ALL_CHARS),
  inputSchema: call.doubt ? null : call.inputSchema,
  inDoubt: call.doubt,
  expiresAt: (call.expiresAt ?? call.createdAt).toISOString(),
  createdAt: call.createdAt.toISOString(),
})

/** A call as its run's list has it. */
export const presentRunToolCall = (call: ToolCall | PlacedCall): RunToolCallView => ({
  ...presentToolCall(call, ALL_CHARS),
  turn: call.turn,
  effect: call.effect,
})
