import { expect } from 'chai'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { type AgentTool, hashOf, type ToolEffect } from '../../src/tools/tool.ts'
import type { StoredCall } from '../../src/tools/tool-call.repository.ts'
import { type StopKind, TurnStop } from '../../workers/agent-runtime/turn-stop.ts'
import { planCalls } from '../../workers/tools/plan-calls.ts'
import { ToolRuns } from '../../workers/tools/tool-runs.ts'

const limits = { TOOL_PARALLEL: 4, TOOL_CALLS_PER_MINUTE: 60, TOOL_RESULT_CHARS: 1_000 }

/** How a call is ended whose turn is stopped while its tool runs; undefined: whoever goes on with the turn decides on it. */
async function endedBy(kind: StopKind, effect: ToolEffect): Promise<string | undefined> {
  const definition = { name: 'do', title: 'Do', description: '', inputSchema: {}, effect, keyed: true }
  const tool: AgentTool = {
    ...definition,
    source: 'mcp',
    serverId: null,
    sourceName: 'do',
    onUnknown: 'ask',
    policy: 'allow',
    timeoutMs: 60_000,
    definitionHash: hashOf(definition),
  }
  const [planned] = planCalls([{ id: 'c1', name: 'do', input: '{}', providerData: null }], new Map([['do', tool]]), [])
  if (!planned) throw new Error('nothing is planned')
  const ids = { runId: newId(), userId: newId(), agentId: null }
  const times = { expiresAt: null, startedAt: null, endedAt: null, decidedBy: null, inheritedFrom: null }
  const call: StoredCall = {
    ...planned,
    ...ids,
    ...times,
    turn: 0,
    step: 0,
    edited: false,
    starts: 0,
    attempt: null,
    unanswered: 0,
    doubt: false,
    files: null,
    offset: 0,
  }
  const claim = {
    ...ids,
    conversationId: newId(),
    turn: 0,
    kind: 'speak' as const,
    step: 0,
    attempt: 1,
    failures: 0,
    waits: 0,
    claimToken: newId(),
  }
  let status: string | undefined
  const runs = new ToolRuns({
    toolTurns: {
      start: async () => ({ outcome: 'started', retryInMs: 0 }),
      skip: async () => true,
      putOff: async () => false,
      end: async (_claim, _call, end) => {
        status = end.status
        return true
      },
    },
    toolFiles: { keep: async () => null },
    announcer: { tool: async () => {} },
    limits,
    logger: silentLogger,
  })
  const stop = new TurnStop()
  const run = async () => {
    stop.stop(kind)
    return new Promise<never>(() => {})
  }
  const { inDoubt } = await runs.run(claim, [call], new Map([['do', { tool, run }]]), stop)
  expect(inDoubt).to.equal(status === undefined)
  return status
}

describe('A tool that runs while its turn is stopped', () => {
  for (const kind of ['lost', 'drain', 'timeout', 'turn_timeout'] as const) {
    it(`is left to whoever goes on with the turn: ${kind}`, async () => {
      expect([await endedBy(kind, 'writes'), await endedBy(kind, 'reads')]).to.deep.equal([undefined, undefined])
    })
  }

  for (const kind of ['cancelled', 'max_seconds'] as const) {
    it(`has an end where the turn has: ${kind}`, async () => {
      expect([await endedBy(kind, 'writes'), await endedBy(kind, 'reads')]).to.deep.equal(['unknown', 'cancelled'])
    })
  }
})
