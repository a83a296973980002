import { costOf, type Rates } from './pricing.ts'

/** One agent of a party that is to be estimated. */
export interface EstimatedAgent {
  agentId: string
  price: Rates
  /** Share of the price that is charged, in parts per million. */
  ratePpm: bigint
  /** Tokens of its instructions: sent with each of its turns. */
  instructionTokens: number
  maxOutputTokens: number
}

/** A party as it is about to start. */
export interface EstimateRequest {
  /** In the order in which they speak. */
  agents: EstimatedAgent[]
  /** Turns that the run may take at most. */
  maxTurns: number
  /** Tokens of transcript at the first turn, the new message included. */
  transcriptTokens: number
  /** Tokens of transcript that a turn sends at most. */
  transcriptBudget: number
  /** Tokens of the conversation's files that each turn reads. */
  fileTokens: { low: number; high: number }
  /** A supervisor, who is the first agent's model, names the speaker before each turn. */
  isSupervised: boolean
}

/** Micro-credits. */
export interface CreditRange {
  low: bigint
  high: bigint
}

export interface Estimate extends CreditRange {
  perAgent: (CreditRange & { agentId: string })[]
}

/** Answers rarely fill their limit: a terse speaker uses about this share of it. */
const TERSE_SHARE = 8
/** Tokens of a supervisor's answer: a terse one, and the most that it may take. */
export const DECISION_TOKENS = { low: 20, high: 200 }

/**
 * What a party would cost. `low`: everybody speaks tersely and once, or as often as `maxTurns` lets them; `high`: every turn
 * fills its output limit, at the dearer of the prices for output and reasoning, and nothing comes from a cache. All that was
 * said is read again by the turns that follow, up to the transcript's budget. Agents speak in turn.
 */
export function estimate(request: EstimateRequest): Estimate {
  const { agents, maxTurns } = request
  const low = simulate(request, 'low', Math.min(agents.length, maxTurns), (agent) =>
    Math.max(1, Math.floor(agent.maxOutputTokens / TERSE_SHARE)),
  )
  const high = simulate(request, 'high', maxTurns, (agent) => agent.maxOutputTokens)
  const perAgent = agents.map(({ agentId }, index) => ({
    agentId,
    low: low[index] ?? 0n,
    high: high[index] ?? 0n,
  }))
  return { low: sum(low), high: sum(high), perAgent }
}

/** Cost by agent of `turns` turns in which each says `outputOf` tokens. */
function simulate(
  request: EstimateRequest,
  end: keyof CreditRange,
  turns: number,
  outputOf: (agent: EstimatedAgent) => number,
): bigint[] {
  const { agents, transcriptBudget, fileTokens, isSupervised } = request
  const costs = agents.map(() => 0n)
  let transcript = request.transcriptTokens
  for (let turn = 0; turn < turns; turn++) {
    const index = turn % agents.length
    const agent = agents[index]
    const [supervisor] = agents
    if (!agent || !supervisor) break
    const heard = Math.min(transcript, transcriptBudget)
    if (isSupervised) costs[0] = (costs[0] ?? 0n) + turnCost(supervisor, heard, DECISION_TOKENS[end])
    const outputTokens = outputOf(agent)
    const inputTokens = agent.instructionTokens + heard + fileTokens[end]
    costs[index] = (costs[index] ?? 0n) + turnCost(agent, inputTokens, outputTokens)
    transcript += outputTokens
  }
  return costs
}

function turnCost({ price, ratePpm }: EstimatedAgent, inputTokens: number, outputTokens: number): bigint {
  const { outputPerMTok, reasoningPerMTok } = price
  const dearest = outputPerMTok > reasoningPerMTok ? outputPerMTok : reasoningPerMTok
  const usage = {
    inputTokens,
    outputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    estimated: true,
  }
  return costOf({ ...price, outputPerMTok: dearest }, usage, ratePpm)
}

const sum = (amounts: bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n)
