import { expect } from 'chai'
import { ChatspartyClient } from '../../src/client/client.ts'
import { isTooOften, type TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnResult } from '../../src/runs/turn-result.ts'
import { newId } from '../../src/shared/ids.ts'
import type { OnUnknown, ToolEffect } from '../../src/tools/tool.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

const TERMS = { perMinute: 1_000, defaultPolicy: 'allow' } as const

const GIVEN_UP: TurnResult = {
  status: 'failed',
  agentId: null,
  text: '',
  passed: false,
  calls: [],
  lostCalls: [],
  holdId: null,
  seenSeq: 0,
  promptVersion: null,
  error: { code: 'turn.gave_up', message: 'It broke off too many times.' },
  endedBy: null,
}

/** A call that writes with our key, and what it is otherwise. */
interface Asked {
  effect?: ToolEffect
  keyed?: boolean
  onUnknown?: OnUnknown
}

/** What only the functions of the database decide; what a worker makes of it `tool-crash.test.ts` and `mcp-turns.test.ts` show. */
describe('The tool ledger, of a call that was started and has no end', () => {
  const app = useApp({ worker: false })
  let user: TestUser
  let agentId: string
  before(async () => {
    user = await app.api.register()
    const connection = { provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' }
    agentId = (await user.agentsOn(connection, ['Ada']))[0] ?? ''
    await user.put(`/api/agents/${agentId}`, { tools: [{ name: 'calculator', policy: 'allow' }] })
  })

  const claimed = async (runId: string): Promise<TurnClaim> => {
    const outcome = await app.container.claims.claim({ runId, turn: 0 })
    if ('claim' in outcome) return outcome.claim
    throw new Error(`not claimed: ${JSON.stringify(outcome)}`)
  }

  /** The turn of a run that holds this one once more. */
  const retried = async (runId: string): Promise<TurnClaim> =>
    claimed(Object((await user.post(`/api/chat/runs/${runId}/retry`, {})).body).runId)

  /** A turn that is claimed, whose model has asked for these calls. */
  const asking = async (...calls: Asked[]) => {
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Tea?' })
    const { db, toolTurns, turnRepository } = app.container
    for (const [call, { effect = 'writes', keyed = true, onUnknown = 'tell' }] of calls.entries()) {
      await db.query(
        `INSERT INTO tool_calls (run_id, turn, call, id, step, user_id, agent_id, provider_call_id, source, source_name, name, title, effect, keyed,
           on_unknown, args, status)
         VALUES ($1, 0, $2, $3, 0, $4, $5, 'call', 'builtin', 'calculator', 'calculator', 'Calculator', $6, $7, $8, '{}', 'planned')`,
        [runId, call, newId(), user.id, agentId, effect, keyed, onUnknown],
      )
    }
    let claim = await claimed(runId)
    return {
      runId,
      claim: () => claim,
      /** How each of them is started. */
      start: async () => {
        const starts = calls.map((_, call) => toolTurns.start(claim, call, TERMS))
        return (await Promise.all(starts)).map(({ outcome }) => outcome)
      },
      /** The worker is gone, and another takes over. */
      die: async () => {
        await turnRepository.voidLeases()
        claim = await claimed(runId)
      },
      /** What becomes of each. */
      resume: async () => (await toolTurns.resume(claim)).calls.map(({ status }) => status),
      /** As if all that has happened so far had been so long ago. */
      wait: (hours: number) =>
        db.query(
          `UPDATE tool_calls SET created_at = created_at - $2 * interval '1 hour', started_at = started_at - $2 * interval '1 hour',
             decided_at = decided_at - $2 * interval '1 hour' WHERE run_id = $1`,
          [runId, hours],
        ),
    }
  }

  it('and whose worker died is started again with its key as often as its turn is tried', async () => {
    const turn = await asking({}, { effect: 'reads', keyed: false })
    for (; !isTooOften(turn.claim()); await turn.die()) {
      expect(await turn.resume()).to.deep.equal(['planned', 'planned'])
      expect(await turn.start()).to.deep.equal(['started', 'started'])
    }
    expect(turn.claim().attempt).to.be.greaterThan(10)
    await app.container.settlement.settle(turn.claim(), GIVEN_UP)
    const ends = await app.container.db.query('SELECT status, starts FROM tool_calls WHERE run_id = $1 ORDER BY call', [
      turn.runId,
    ])
    const starts = turn.claim().attempt - 1
    expect(ends).to.deep.equal([
      { status: 'unknown', starts },
      { status: 'cancelled', starts },
    ])
  })

  it('because no answer came is asked for a few times, whoever died meanwhile; then its setting says what follows', async () => {
    const turn = await asking({}, { onUnknown: 'ask' }, { effect: 'reads', keyed: false, onUnknown: 'ask' })
    const outcomes: string[][] = []
    await turn.start()
    await turn.die()
    for (;;) {
      outcomes.push(await turn.resume())
      if (!outcomes.at(-1)?.includes('planned')) break
      await turn.start()
      // One in two dies.
      if (outcomes.length % 2 === 0) await turn.die()
    }
    expect(outcomes.slice(0, -1).flat()).to.not.include.members(['unknown', 'awaiting'])
    expect(outcomes.length).to.be.within(5, 12)
    expect(outcomes.at(-1)).to.deep.equal(['unknown', 'awaiting', 'unknown'])
    const { data } = Object((await user.get('/api/chat/approvals')).body)
    expect(data).to.have.length(1)
    // What was done may not be what somebody writes now.
    expect(data[0]).to.deep.include({ inDoubt: true, inputSchema: null })
    // A yes is for one more, and a few.
    expect(
      (await user.post(`/api/chat/approvals/${data[0].id}`, { decision: 'approve', wasStarted: true })).status,
    ).to.equal(200)
    expect((await turn.start())[1]).to.equal('started')
    await turn.die()
    expect((await turn.resume())[1]).to.equal('planned')
  })

  it('is asked about anew each time, and a yes to one question is none to the next', async () => {
    const turn = await asking({ keyed: false, onUnknown: 'ask' })
    const client = new ChatspartyClient({ url: app.url, token: user.token })
    const asked = async () => {
      await turn.start()
      await turn.die()
      expect(await turn.resume()).to.deep.equal(['awaiting'])
      const { data } = await client.approvals.list()
      return data.find(({ runId }) => runId === turn.runId)?.call ?? expect.fail('nobody is asked')
    }
    const yes = (call: Awaited<ReturnType<typeof asked>>) =>
      client.approvals.decide(call, { decision: 'approve' }).then(
        ({ status }) => status,
        ({ code }) => code,
      )
    const first = await asked()
    expect(await yes(first)).to.equal('approved')
    const second = await asked()
    // A screen that stands since the first, or a request that was sent once more.
    expect(await yes(first)).to.equal('approval.over')
    expect(await yes(second)).to.equal('approved')
  })

  it('is not started again with a key that its server may have forgotten; what only reads is', async () => {
    const turn = await asking({}, { onUnknown: 'ask' }, { effect: 'reads', keyed: false })
    await turn.start()
    await turn.wait(22)
    await turn.die()
    expect(await turn.resume()).to.deep.equal(['planned', 'planned', 'planned'])
    await turn.start()
    await turn.wait(1)
    await turn.die()
    expect(await turn.resume()).to.deep.equal(['unknown', 'awaiting', 'planned'])
  })

  it('nor is one that was to be started again, and was not in time; a first start has all its time', async () => {
    const turn = await asking({}, {})
    const { toolTurns } = app.container
    await toolTurns.start(turn.claim(), 0, TERMS)
    await turn.die()
    expect(await turn.resume()).to.deep.equal(['planned', 'planned'])
    await turn.wait(23)
    await turn.die()
    expect(await turn.resume()).to.deep.equal(['unknown', 'planned'])
  })

  it('waits until there is room for it again, where too many have been made of late', async () => {
    const turn = await asking({}, {})
    const { toolTurns } = app.container
    const limited = { ...TERMS, perMinute: 1 }
    await toolTurns.start(turn.claim(), 0, TERMS)
    await turn.die()
    await turn.resume()
    const again = await toolTurns.start(turn.claim(), 0, limited)
    expect(again.outcome).to.equal('later')
    expect(again.retryInMs).to.be.within(1, 60_000)
    // The other one has not been started.
    expect((await toolTurns.start(turn.claim(), 1, limited)).outcome).to.equal('limited')
    await turn.wait(1)
    await toolTurns.start(turn.claim(), 1, TERMS)
    // Not for ever.
    expect((await toolTurns.start(turn.claim(), 0, limited)).outcome).to.equal('limited')
  })

  it('is started again with its key after a long wait for the word on which it was started', async () => {
    const turn = await asking({}, { keyed: false })
    const { db } = app.container
    await turn.wait(40)
    await db.query(`UPDATE tool_calls SET decided_by = user_id, decided_at = clock_timestamp() WHERE run_id = $1`, [
      turn.runId,
    ])
    await turn.start()
    await turn.die()
    expect(await turn.resume()).to.deep.equal(['planned', 'unknown'])
    await turn.wait(23)
    await turn.die()
    expect(await turn.resume()).to.deep.equal(['unknown', 'unknown'])
  })

  it('by an earlier run is not started again by a worker of an older release, which knows no key but that of the copy', async () => {
    const { db } = app.container
    const calls: Asked[] = [{}, { onUnknown: 'ask' }, { effect: 'reads', keyed: false }, { keyed: false }]
    const first = await asking(...calls)
    await first.start()
    await app.container.settlement.settle(first.claim(), GIVEN_UP)
    const { runId, claimToken } = await retried(first.runId)
    const sql = `SELECT state->'calls' AS calls FROM tool_resume($1, 0, $2, 3, 60000, 82800000)`
    const [{ calls: copies }] = await db.query(sql, [runId, claimToken])
    expect(copies.map(({ status }: { status: string }) => status)).to.deep.equal([
      'unknown',
      'awaiting',
      'cancelled',
      'unknown',
    ])
  })

  it('by an earlier run is not started again with a key that is too old, though a release before has copied it of late', async () => {
    const { db, toolTurns } = app.container
    const first = await asking({}, {})
    await first.start()
    await app.container.settlement.settle(first.claim(), GIVEN_UP)
    const second = await retried(first.runId)
    expect((await toolTurns.resume(second)).calls.map(({ status }) => status)).to.deep.equal(['planned', 'planned'])
    await app.container.settlement.settle(second, GIVEN_UP)
    await db.query(
      `UPDATE tool_calls SET created_at = created_at - interval '23 hours' WHERE run_id = $1 AND call = 0`,
      [first.runId],
    )
    const third = await retried(second.runId)
    expect((await toolTurns.resume(third)).calls.map(({ status }) => status)).to.deep.equal(['unknown', 'planned'])
  })

  it('by an earlier run is asked about in its time: what is asked later stands before it', async () => {
    const unsure: Asked = { keyed: false, onUnknown: 'ask' }
    const first = await asking(unsure)
    await first.start()
    await app.container.settlement.settle(first.claim(), GIVEN_UP)
    const second = await retried(first.runId)
    await app.container.toolTurns.resume(second)
    const third = await asking(unsure)
    await third.start()
    await third.die()
    await third.resume()
    const { data } = Object((await user.get('/api/chat/approvals')).body)
    expect(data.slice(0, 2).map(({ runId }: { runId: string }) => runId)).to.deep.equal([third.runId, second.runId])
  })
})
