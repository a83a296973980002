import { expect } from 'chai'
import { Client } from 'pg'
import { z } from 'zod'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { modelName } from '../../workers/mcp/mcp-tools.ts'
import { startWorker } from '../../workers/worker.ts'
import { auditTools } from '../chaos/tool-audit.ts'
import type { TestUser } from '../support/api-client.ts'
import { startApp, type TestApp, testSettings } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { startMcpServer, type TestMcpServer } from '../support/mcp-server.ts'
import { type MockLlm, type MockRequest, startMockLlm } from '../support/mock-llm.ts'
import { eventually, usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { whileUncommitted } from '../support/race.ts'
import { answered, by, isBehindCall } from './party-world.ts'

const USAGE = { inputTokens: 100, outputTokens: 10 }
const resultsIn = ({ messages }: MockRequest): number => messages.filter(({ role }) => role === 'tool').length
const approvals = z.object({ data: z.array(z.looseObject({ id: z.string() })) })

describe('Turns with tools of an MCP server', function () {
  this.timeout(60_000)
  usePace()
  const settings = { TURN_LEASE_MS: '1500', REDISPATCH_AFTER_MS: '500', JOB_LOCK_MS: '1500' }
  let llm: MockLlm
  let server: TestMcpServer
  let app: TestApp
  let drop: () => Promise<void>
  let user: TestUser
  let serverId: string
  /** How often a call was allowed by somebody. */
  const words = new Map<string, number>()
  before(async () => {
    llm = await startMockLlm()
    server = await startMcpServer()
    const database = await createDatabase()
    drop = database.drop
    app = await startApp({ databaseUrl: database.url, worker: false, env: settings })
  })
  after(async () => {
    await app?.close()
    await drop?.()
    await server?.stop()
    await llm?.stop()
  })
  beforeEach(async () => {
    llm.reset()
    server.reset()
    user = await app.api.register()
    serverId = await user.create('/api/mcp/servers', { name: 'Notes', url: server.url })
    await user.post(`/api/mcp/servers/${serverId}/refresh`, {})
  })

  // The kill report in small.
  afterEach('compare what the server has done with the rows', async () => {
    const db = new Client({ connectionString: app.env.DATABASE_URL })
    await db.connect()
    const { breaches } = await auditTools(db, { server, words, userId: user.id })
    await db.end()
    expect(Object.entries(breaches).filter(([, list]) => list.length > 0)).to.deep.equal([])
  })

  const newAgent = async (name: string) => {
    const baseUrl = llm.baseUrl('openai-compatible')
    const [agentId = ''] = await user.agentsOn({ provider: 'openai-compatible', baseUrl }, [name])
    return agentId
  }
  /** An agent whose model calls this tool once. */
  const agentWith = async (name: string, policy: string | null) => {
    llm.reply({ ...answered('It is done.'), usage: USAGE })
    llm.reply({
      when: { match: (request) => !isBehindCall(request) },
      text: 'I do it.',
      toolCalls: [{ name: modelName(serverId, name), arguments: { text: 'tea' } }],
      usage: USAGE,
    })
    const agentId = await newAgent('Ada')
    expect((await user.put(`/api/agents/${agentId}`, { tools: [{ serverId, name, policy }] })).status).to.equal(200)
    return agentId
  }
  /** With a worker until it is over. */
  const working = async <T>(work: () => Promise<T>, env: Partial<typeof app.container.env> = {}): Promise<T> => {
    const shutdown = new Shutdown(silentLogger)
    await startWorker({ ...app.container, env: { ...app.container.env, ...env }, shutdown })
    try {
      return await work()
    } finally {
      await shutdown.close()
    }
  }
  /** Another worker goes on with the turn of a dead one, starts its call once more, and dies. */
  const startedAndDied = async ({ runId }: { runId: string }) => {
    const { claims, toolTurns, turnRepository } = app.container
    const outcome = await claims.claim({ runId, turn: 0 })
    if (!('claim' in outcome)) throw new Error(JSON.stringify(outcome))
    await toolTurns.resume(outcome.claim)
    const { outcome: start } = await toolTurns.start(outcome.claim, 0, { perMinute: 60, defaultPolicy: 'ask' })
    await turnRepository.voidLeases()
    return start
  }
  /** The call that waits for somebody's word, once one does. */
  const askedAbout = () =>
    eventually(async () => {
      const { data } = approvals.parse((await user.get('/api/chat/approvals')).body)
      return data[0]?.id
    })
  const endOf = async ({ runId, conversationId }: { runId: string; conversationId: string }) => {
    expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
    return (await user.messages(conversationId))[1]
  }

  const retried = async (runId: string): Promise<string> => {
    const answer = await user.post(`/api/chat/runs/${runId}/retry`, {})
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202)
    return Object(answer.body).runId
  }

  it('call it once, and tell the model what it answered', async () => {
    const agentId = await agentWith('add_keyed', 'allow')
    const said = await working(async () => endOf(await user.accept('/api/chat', { agentId, message: 'Tea.' })))
    expect(said?.content).to.equal('I do it.\n\nIt is done.')
    expect(said?.toolCalls?.map(({ status }) => status)).to.deep.equal(['done'])
    expect(server.state.notes).to.deep.equal(['tea'])
    expect(JSON.stringify(llm.requests.at(-1)?.body)).to.include('noted tea')
    // The key is the call's, and was known before the call.
    const call = server.state.requests.find(({ method }) => method === 'tools/call')
    expect(call?.headers['idempotency-key']).to.equal(said?.toolCalls?.[0]?.id)
  })

  it('are asked again with the same key, after a pause without a worker, where their server says that the deed is still under way', async () => {
    const agentId = await agentWith('add_keyed', 'allow')
    let asked = 0
    server.state.gate = ({ method }) => (method === 'tools/call' && ++asked < 4 ? { status: 409 } : undefined)
    const accepted = await user.accept('/api/chat', { agentId, message: 'Tea.' })
    const said = await working(() => endOf(accepted))
    expect(said?.toolCalls?.map(({ status }) => status)).to.deep.equal(['done'])
    expect(server.state.notes).to.deep.equal(['tea'])
    const [turn] = await app.container.db.query('SELECT waits FROM turns WHERE run_id = $1', [accepted.runId])
    // No more than that can be said on a machine that stands still for longer than a lease.
    expect(turn.waits).to.be.within(1, 3)
    await expectSettledOnce(app.container.db, accepted.runId)
  })

  it('ask first where their owner has said nothing, and call nothing that is denied', async () => {
    const agentId = await agentWith('add_unkeyed', null)
    await working(async () => {
      for (const decision of ['deny', 'approve']) {
        server.state.notes.length = 0
        const accepted = await user.accept('/api/chat', { agentId, message: 'Tea.' })
        const id = await askedAbout()
        expect(server.state.notes).to.deep.equal([])
        await user.post(`/api/chat/approvals/${id}`, { decision })
        if (decision === 'approve') words.set(id, 1)
        await endOf(accepted)
        expect(server.state.notes).to.deep.equal(decision === 'approve' ? ['tea'] : [])
      }
    })
  })

  it('run nothing of a server that is switched off, or deleted, while somebody is asked: the agent is told, and its run ends well', async () => {
    const agentId = await agentWith('add_unkeyed', null)
    await working(async () => {
      for (const change of [
        () => user.put(`/api/mcp/servers/${serverId}`, { enabled: false }),
        () => user.delete(`/api/mcp/servers/${serverId}`),
      ]) {
        await user.put(`/api/mcp/servers/${serverId}`, { enabled: true })
        const accepted = await user.accept('/api/chat', { agentId, message: 'Tea.' })
        const id = await askedAbout()
        expect((await change()).status).to.be.within(200, 204)
        await user.post(`/api/chat/approvals/${id}`, { decision: 'approve' })
        const said = await endOf(accepted)
        expect(said?.toolCalls?.[0]).to.deep.include({ status: 'failed', errorCode: 'tool.gone', startedAt: null })
      }
    })
    expect(server.state.notes).to.deep.equal([])
  })

  it('that take all the time of their turn say so: its provider is not to blame, and no breaker counts it', async () => {
    llm.reply({ toolCalls: [{ name: modelName(serverId, 'hang'), arguments: {} }] })
    const agentId = await newAgent('Ada')
    await user.put(`/api/agents/${agentId}`, { tools: [{ serverId, name: 'hang', policy: 'allow' }] })
    const run = await working(
      async () => user.finished((await user.accept('/api/chat', { agentId, message: 'Tea.' })).runId),
      { TURN_TIMEOUT_MS: 1_000, TURN_MAX_ATTEMPTS: 1 },
    )
    expect(run.error).to.deep.equal({
      code: 'turn.tools_timeout',
      message: 'The tools of this turn took longer than a turn may. Use faster tools, or ask for less at once.',
    })
    expect(await app.container.db.query('SELECT subject FROM breakers')).to.deep.equal([])
  })

  it('start nothing that their owner has just forbidden: a change and a start wait for each other', async () => {
    const agentId = await agentWith('add_unkeyed', 'allow')
    const { db } = app.container
    const denied = JSON.stringify([{ serverId, name: 'add_unkeyed', policy: 'deny' }])
    const changes: Array<[string, unknown[], string]> = [
      ['UPDATE agents SET tools = $2 WHERE id = $1', [agentId, denied], 'tool.denied'],
      ['UPDATE mcp_servers SET enabled = false WHERE id = $1', [serverId], 'tool.gone'],
      [
        "UPDATE mcp_tools SET seen_hash = 'another' WHERE server_id = $1 AND name = $2",
        [serverId, 'add_unkeyed'],
        'tool.changed',
      ],
    ]
    await working(async () => {
      for (const [sql, parameters, code] of changes) {
        await user.put(`/api/agents/${agentId}`, { tools: [{ serverId, name: 'add_unkeyed', policy: 'allow' }] })
        await user.put(`/api/mcp/servers/${serverId}`, { enabled: true })
        const said = await whileUncommitted(db, sql, parameters, async () =>
          endOf(await user.accept('/api/chat', { agentId, message: 'Tea.' })),
        )
        expect(said?.toolCalls?.[0]).to.deep.include({ status: 'failed', errorCode: code, startedAt: null })
      }
    })
    expect(server.state.notes).to.deep.equal([])
  })

  it('are not run again when a run that failed behind them is retried, however often: it goes on from what is done', async () => {
    const agentId = await agentWith('add_unkeyed', 'allow')
    for (const status of [401, 401]) llm.replyOnce({ when: { match: isBehindCall }, status })
    await working(async () => {
      const first = await user.accept('/api/chat', { agentId, message: 'Tea.' })
      expect(await user.finished(first.runId)).to.include({ status: 'failed' })
      const second = await retried(first.runId)
      expect(await user.finished(second)).to.include({ status: 'failed' })
      const last = await retried(second)
      const { receipt, ...run } = await user.finished(last)
      expect(run).to.deep.include({ status: 'completed', error: null })
      expect(server.state.notes).to.deep.equal(['tea'])
      // What was paid then is not paid again.
      expect(receipt).to.deep.include({ ...USAGE, turns: 1, steps: 0, inheritedSteps: 1 })
      expect((await user.run(first.runId)).receipt).to.include({ steps: 1, inheritedSteps: 0 })
      const said = (await user.messages(first.conversationId)).at(-1)
      expect(said).to.deep.include({ content: 'I do it.\n\nIt is done.', runId: last, status: 'complete' })
      expect(said?.toolCalls).to.have.length(1)
      const [made] = Object((await user.get(`/api/chat/runs/${first.runId}/tool-calls`)).body).data
      expect(made).not.to.have.property('inheritedFrom')
      const kept = { status: 'done', result: 'noted tea', inheritedFrom: made.id, offset: 'I do it.'.length }
      expect(said?.toolCalls?.[0]).to.deep.include(kept)
      expect(Object((await user.get(`/api/chat/runs/${last}/tool-calls`)).body).data[0]).to.deep.include(kept)
      expect(JSON.stringify(llm.requests.at(-1)?.body)).to.include('noted tea')
      for (const runId of [first.runId, second, last]) await expectSettledOnce(app.container.db, runId)
    })
  })

  it('count once within their minute, and not again in the run that goes on from them', async () => {
    const agentId = await agentWith('add_unkeyed', 'allow')
    const more = { name: modelName(serverId, 'add_unkeyed'), arguments: { text: 'coffee' } }
    llm.reply({ when: { match: (request) => resultsIn(request) === 1 }, toolCalls: [more] })
    llm.replyOnce({ when: { match: isBehindCall }, status: 401 })
    await working(
      async () => {
        const first = await user.accept('/api/chat', { agentId, message: 'Tea.' })
        expect(await user.finished(first.runId)).to.include({ status: 'failed' })
        await user.finished(await retried(first.runId))
      },
      { TOOL_CALLS_PER_MINUTE: 2 },
    )
    expect(server.state.notes).to.deep.equal(['tea', 'coffee'])
  })

  it('are not run again when a run that was stopped behind them is retried', async () => {
    const agentId = await agentWith('add_unkeyed', 'allow')
    const hold = llm.hold()
    llm.replyOnce({ when: { match: isBehindCall }, text: 'Never heard.', hold })
    await working(async () => {
      const first = await user.accept('/api/chat', { agentId, message: 'Tea.' })
      await hold.reached
      await user.post(`/api/chat/runs/${first.runId}/cancel`, {})
      hold.release()
      const last = await retried(first.runId)
      const { receipt } = await user.finished(last)
      expect(receipt).to.deep.include({ ...USAGE, steps: 0, inheritedSteps: 1 })
      const said = (await user.messages(first.conversationId)).at(-1)
      expect(said).to.deep.include({ content: 'I do it.\n\nIt is done.', runId: last, status: 'complete' })
      expect(said?.toolCalls?.map(({ status }) => status)).to.deep.equal(['done'])
      expect(server.state.notes).to.deep.equal(['tea'])
      for (const runId of [first.runId, last]) await expectSettledOnce(app.container.db, runId)
    })
  })

  /** A run that was stopped while a tool was at work that does not answer; its retry. */
  const stoppedInCall = async (word: Record<string, unknown>) => {
    await user.put(`/api/mcp/servers/${serverId}/tools/hang`, word)
    const agentId = await agentWith('hang', 'allow')
    const called = server.asked(({ tool }) => tool === 'hang')
    const first = await user.accept('/api/chat', { agentId, message: 'Tea.' })
    await called
    await user.post(`/api/chat/runs/${first.runId}/cancel`, {})
    const stopped = await callOf(first.runId)
    expect(stopped.status).to.equal('unknown')
    return { ...first, stopped, runId: await retried(first.runId) }
  }
  const callOf = async (runId: string) => Object((await user.get(`/api/chat/runs/${runId}/tool-calls`)).body).data[0]

  it('that were at work when their run was stopped are told of as unknown in its retry, and not called again', async () => {
    await working(async () => {
      const last = await stoppedInCall({ onUnknown: 'tell' })
      expect(await user.finished(last.runId)).to.include({ status: 'completed' })
      expect(await callOf(last.runId)).to.include({ status: 'unknown', inheritedFrom: last.stopped.id })
    })
    expect(server.called()).to.deep.equal(['hang'])
    expect(JSON.stringify(llm.requests.at(-1)?.body)).to.include('nobody knows whether it did its work')
  })

  it('of which a person is to judge are asked about in the retry of a run that was stopped while they were at work', async () => {
    await working(async () => {
      const last = await stoppedInCall({ onUnknown: 'ask' })
      const id = await askedAbout()
      const [asked] = Object((await user.get('/api/chat/approvals')).body).data
      expect(asked).to.deep.include({ runId: last.runId, inDoubt: true, inputSchema: null })
      llm.replyOnce({ when: { match: isBehindCall }, status: 401 })
      await user.post(`/api/chat/approvals/${id}`, { decision: 'deny', wasStarted: true })
      expect(await user.finished(last.runId)).to.include({ status: 'failed' })
      // Somebody has judged, and is not asked once more.
      const judged = await retried(last.runId)
      expect(await user.finished(judged)).to.include({ status: 'completed' })
      expect((await callOf(judged)).status).to.equal('unknown')
    })
    expect(server.called()).to.deep.equal(['hang'])
  })

  it('that take our key are called again, with the same one, in the retry of a run that was stopped while they were at work', async () => {
    await working(async () => {
      const called = server.asked(({ tool }) => tool === 'hang' && server.called().length === 2)
      const last = await stoppedInCall({ keyed: true })
      await called
      // It is of this run by now.
      expect(await callOf(last.runId))
        .to.include({ status: 'started' })
        .and.not.have.property('inheritedFrom')
      await user.post(`/api/chat/runs/${last.runId}/cancel`, {})
    })
    const keys = server.state.requests.flatMap(({ tool, headers }) => (tool ? headers['idempotency-key'] : []))
    expect(new Set(keys).size).to.equal(1)
  })

  it('are not run again by the retry of a party either, of which somebody else failed', async () => {
    const ada = await agentWith('add_unkeyed', 'allow')
    const bob = await newAgent('Bob')
    llm.reply({ when: by('Bob'), text: 'Coffee.' }).replyOnce({ when: by('Bob'), status: 401 })
    await working(async () => {
      const asked = { agentIds: [ada, bob], message: 'Tea?', maxTurns: 3 }
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', asked)
      expect(await user.finished(runId)).to.include({ status: 'failed' })
      const retried = Object((await user.post(`/api/chat/runs/${runId}/retry`, {})).body)
      expect(await user.finished(retried.runId)).to.deep.include({ status: 'completed', error: null })
      const said = (await user.messages(conversationId)).filter((one) => one.runId === retried.runId)
      // Ada's second turn is one that was not there the first time.
      expect(said.map(({ content, toolCalls }) => [content, toolCalls?.length])).to.deep.equal([
        ['Tea?', undefined],
        ['I do it.\n\nIt is done.', 1],
        ['Coffee.', undefined],
        ['I do it.\n\nIt is done.', 1],
      ])
      expect(server.state.notes).to.deep.equal(['tea', 'tea'])
      await expectSettledOnce(app.container.db, retried.runId)
    })
  })

  it('are run again by a retry where they have only read', async () => {
    const agentId = await agentWith('read_notes', 'allow')
    llm.replyOnce({ when: { match: isBehindCall }, status: 401 })
    await working(async () => {
      const first = await user.accept('/api/chat', { agentId, message: 'Tea.' })
      expect(await user.finished(first.runId)).to.include({ status: 'failed' })
      const { runId } = Object((await user.post(`/api/chat/runs/${first.runId}/retry`, {})).body)
      expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
    })
    expect(server.state.requests.filter(({ tool }) => tool === 'read_notes')).to.have.length(2)
  })

  const filesOf = async () => Object((await user.get('/api/storage/files')).body).data
  /** A turn that called this tool, and what came of that. */
  const called = async (name: string) => {
    const accepted = await user.accept('/api/chat', { agentId: await agentWith(name, 'allow'), message: 'Tea.' })
    const said = await endOf(accepted)
    return { ...accepted, call: said?.toolCalls?.[0], told: JSON.stringify(llm.requests.at(-1)?.body) }
  }

  it('keep what is too long for a conversation as a file, which is searched, and goes with the conversation', async () => {
    await working(async () => {
      const { conversationId, runId, call, told } = await called('read_all')
      const name = 'read_all result.txt'
      const [file] = call?.files ?? []
      expect(call?.files).to.deep.equal([
        { id: file?.id, name, contentType: 'text/plain', size: 100_028, problem: null },
      ])
      expect(call?.result).to.have.length(500)
      expect(told)
        .to.include(`Kept as files of the user's: ${name}, 100028 bytes`)
        .and.to.include('cut here')
        .and.not.include('attic')
      const all = Object((await user.get(`/api/chat/runs/${runId}/tool-calls`)).body).data[0]
      expect(all.files).to.deep.equal(call?.files)
      expect(all.result).to.match(/… \(cut here: there were \d+ characters\)$/)
      const { files } = app.container.storage
      await eventually(async () => (await filesOf())[0]?.status === 'ready')
      const [passage] = await files.passagesLike(user.id, 'attic', 1_000)
      expect(passage?.text).to.include('Sencha is kept in the attic.')
      expect((await user.delete(`/api/chat/conversations/${conversationId}`)).status).to.equal(204)
      expect(await filesOf()).to.deep.equal([])
      // What the sweep does with it is as with all that was deleted.
      const rows = await app.container.db.query('SELECT status FROM files WHERE id = $1', [file?.id])
      expect(rows.every(({ status }: { status: string }) => status === 'deleting')).to.equal(true)
    })
  })

  it('keep what is no text as files, as long as there is room; what somebody has attached elsewhere stays', async () => {
    await working(async () => {
      const { conversationId, call, told } = await called('see')
      const [file] = call?.files ?? []
      expect(call?.files).to.deep.equal([
        { id: file?.id, name: 'image 2', contentType: 'image/png', size: 3, problem: null },
      ])
      expect(call?.result).to.include('(A file, image 2, image/png, 3 bytes, which is not shown.)')
      expect(told).to.include("Kept as files of the user's: image 2, 3 bytes.")
      const agentId = await newAgent('Otto')
      const other = await user.accept('/api/chat', { agentId, message: 'Look.', fileIds: [file?.id] })
      await user.finished(other.runId)
      await user.delete(`/api/chat/conversations/${conversationId}`)
      expect((await filesOf()).map(({ id }: { id: string }) => id)).to.deep.equal([file?.id])
      // Now there is no room.
      await app.container.db.query(
        `INSERT INTO files (id, user_id, name, content_type, size, status) VALUES (gen_random_uuid(), $1, 'all', 'text/plain', $2, 'ready')`,
        [user.id, Number.MAX_SAFE_INTEGER],
      )
      const full = await called('see')
      expect(full.call?.files).to.deep.equal([
        { id: null, name: 'image 2', contentType: 'image/png', size: 3, problem: 'storage.quota_exceeded' },
      ])
      expect(full.told).to.include('could not be kept, for lack of room: image 2, 3 bytes')
    })
  })

  it('leave no file behind of a call that has no need of it any more', async () => {
    const { container } = app
    const agentId = await newAgent('Ada')
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Tea.' })
    const claim = {
      runId,
      conversationId,
      turn: 0,
      userId: user.id,
      agentId,
      kind: 'speak',
      step: 0,
      attempt: 1,
      failures: 0,
      waits: 0,
      claimToken: newId(),
    } as const
    const made = [{ name: 'a.txt', contentType: 'text/plain', data: Buffer.from('tea') }]
    expect(await container.toolFiles.keep(claim, 0, made, new AbortController().signal)).to.equal(null)
    expect(await container.db.query('SELECT id FROM files WHERE user_id = $1', [user.id])).to.deep.equal([])
    await user.post(`/api/chat/runs/${runId}/cancel`, {})
  })

  for (const [tool, status, notes] of [
    ['add_keyed', 'done', ['tea']],
    ['add_unkeyed', 'unknown', ['tea']],
  ] as const) {
    it(`of a worker that is killed as ${tool} has run: it has run once${tool === 'add_keyed' ? ', also where four more die after that' : ''}`, async () => {
      if (tool === 'add_unkeyed') await user.put(`/api/mcp/servers/${serverId}/tools/${tool}`, { onUnknown: 'tell' })
      const agentId = await agentWith(tool, 'allow')
      const { DATABASE_URL } = app.env
      const env = { ...testSettings, ...settings, DATABASE_URL, CRASH_AT: 'tool.ran' }
      const victim = startProcess('test/support/crashing-worker.ts', { env })
      await victim.waitForLine(/^ready$/)
      const accepted = await user.accept('/api/chat', { agentId, message: 'Tea.' })
      expect(await victim.ended).to.deep.include({ signal: 'SIGKILL' })
      await app.container.turnRepository.voidLeases()
      if (tool === 'add_keyed') {
        for (const _ of [2, 3, 4, 5]) expect(await startedAndDied(accepted)).to.equal('started')
      }
      const said = await working(() => endOf(accepted))
      expect(said?.toolCalls?.map((call) => call.status)).to.deep.equal([status])
      expect(server.state.notes).to.deep.equal(notes)
      const keys = server.state.requests.flatMap(({ method, headers }) =>
        method === 'tools/call' ? headers['idempotency-key'] : [],
      )
      expect(new Set(keys).size).to.equal(1)
      expect(keys).to.have.length(tool === 'add_keyed' ? 2 : 1)
    })
  }
})
