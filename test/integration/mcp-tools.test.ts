import { expect } from 'chai'
import { mcpServerView } from '../../src/contract/mcp-views.ts'
import type { ToolPolicy } from '../../src/contract/tool-names.ts'
import { newId } from '../../src/shared/ids.ts'
import { McpTools, modelName } from '../../workers/mcp/mcp-tools.ts'
import { SessionPool } from '../../workers/mcp/session-pool.ts'
import { ToolFailed, ToolOutcomeUnknown } from '../../workers/tools/tool-source.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { startMcpServer, type TestMcpServer, TOOLS } from '../support/mcp-server.ts'
import { eventually } from '../support/pace.ts'

describe('Tools of MCP servers', () => {
  const app = useApp({ worker: false, env: { MCP_ANSWER_MAX_BYTES: '200000', MCP_SERVER_CALLS_PER_MINUTE: '40' } })
  let server: TestMcpServer
  let user: TestUser
  let id: string
  let pool: SessionPool
  let tools: McpTools
  before(async () => {
    server = await startMcpServer()
  })
  after(() => server.stop())
  beforeEach(async () => {
    server.reset()
    user = await app.api.register()
    const { mcpSessions, mcpToolRepository } = app.container
    pool = new SessionPool(mcpSessions, 5_000)
    tools = new McpTools({ tools: mcpToolRepository, sessions: mcpSessions, pool })
  })
  afterEach(() => pool.close())

  const connect = async (more: Record<string, unknown> = {}) => {
    id = await user.create('/api/mcp/servers', { name: 'Notes', url: server.url, ...more })
    await user.post(`/api/mcp/servers/${id}/refresh`, {})
    server.state.requests.length = 0
  }
  const bind = (names: string[], policy: ToolPolicy | null = null, userId = user.id) =>
    tools.bind(
      names.map((name) => ({ serverId: id, name, policy })),
      userId,
    )
  const run = async (name: string, text = '', { key = newId(), signal = AbortSignal.timeout(10_000) } = {}) => {
    const [bound] = await bind([name])
    if (!bound) throw new Error(`${name} is not to be had`)
    const where = { userId: user.id, conversationId: newId(), runId: newId(), turn: 0, call: 0 }
    return bound.run({ text }, { ...where, idempotencyKey: key, signal })
  }
  const words = async (...args: Parameters<typeof run>) => {
    const { content } = await run(...args)
    return content.map((part) => (part.type === 'text' ? part.text : part.name)).join()
  }
  const failure = async (promise: Promise<unknown>) => {
    try {
      await promise
    } catch (error) {
      if (error instanceof ToolFailed) return error.code
      if (error instanceof ToolOutcomeUnknown) return 'unknown'
      throw error
    }
    return 'done'
  }
  const status = async () => mcpServerView.parse((await user.get(`/api/mcp/servers/${id}`)).body)

  it('are those that were chosen, each under a name that every provider takes and that never changes', async () => {
    const odd = { name: 'notes/all.of:them', inputSchema: { type: 'object' as const } }
    server.state.tools = [...TOOLS, odd]
    await connect()
    const bound = await bind(['read_notes', odd.name, 'none'])
    expect(bound.map(({ tool }) => tool.name)).to.deep.equal([modelName(id, 'read_notes'), modelName(id, odd.name)])
    for (const { tool } of bound) expect(tool.name).to.match(/^[a-zA-Z0-9_-]{1,64}$/)
    expect(modelName(id, 'x'.repeat(128))).to.have.length(64)
    expect(bound[0]?.tool).to.include({
      source: 'mcp',
      effect: 'reads',
      keyed: false,
      policy: null,
      timeoutMs: 60_000,
    })
    expect((await bind(['add_keyed'], 'allow'))[0]?.tool).to.include({ effect: 'writes', keyed: true, policy: 'allow' })
    // Another user's agent that names this server has none of its tools.
    const other = await app.api.register()
    expect(await bind(['read_notes'], 'allow', other.id)).to.deep.equal([])
    await user.put(`/api/mcp/servers/${id}`, { enabled: false })
    expect(await bind(['read_notes'])).to.deep.equal([])
  })

  for (const speaks of ['modern', 'legacy'] as const) {
    describe(`of a server that speaks the ${speaks} protocol`, () => {
      beforeEach(() => {
        server.state.speaks = speaks
      })

      it('give their answers as text; images and the like are files', async () => {
        await connect()
        expect(await words('add_unkeyed', 'one')).to.equal('noted one')
        expect(await words('read_notes')).to.equal('one')
        expect(await words('see')).to.equal('Here:,image 2,note://1:\nThe text of note 1,Note 2: https://example.com/2')
        expect(await run('fail')).to.deep.equal({
          content: [{ type: 'text', text: 'The note is too long.' }],
          isError: true,
        })
      })

      it('are given their key of idempotency as a header and in _meta, the same each time', async () => {
        await connect()
        const key = newId()
        await run('add_keyed', 'once', { key })
        await run('add_keyed', 'once', { key })
        const calls = server.state.requests.filter(({ method }) => method === 'tools/call')
        expect(calls.map(({ headers }) => headers['idempotency-key'])).to.deep.equal([key, key])
        expect(calls.map(({ meta }) => meta['chatsparty/idempotencyKey'])).to.deep.equal([key, key])
        expect(server.state.notes).to.deep.equal(['once'])
      })

      it('share a session, also when they begin at once', async () => {
        await connect()
        await Promise.all(['a', 'b', 'c'].map((text) => run('add_unkeyed', text)))
        await run('add_unkeyed', 'd')
        expect(server.state.notes).to.have.members(['a', 'b', 'c', 'd'])
        const begun = server.state.requests.filter(({ method }) => method === 'tools/list')
        expect(begun).to.have.length(1)
      })

      it('that were sent and not answered have an unknown outcome; those that could not be sent did nothing', async () => {
        await connect()
        expect(await failure(run('die', 'perhaps'))).to.equal('unknown')
        expect(await failure(run('die_late', 'perhaps'))).to.equal('unknown')
        expect(server.state.notes).to.deep.equal(['perhaps', 'perhaps'])
        server.state.gate = ({ method }) => (method === 'tools/call' ? { status: 503 } : undefined)
        expect(await failure(run('add_unkeyed', 'x'))).to.equal('unknown')
        server.state.gate = ({ method }) => (method === 'tools/call' ? { status: 403 } : undefined)
        expect(await failure(run('add_unkeyed', 'x'))).to.equal('mcp.refused')
        expect((await status()).status).to.equal('failing')
        server.state.gate = undefined
        await run('read_notes')
        expect(await status()).to.include({ status: 'ready', problem: null })
      })

      it('have an unknown outcome where something between us says that time ran out, or that the same is at work; a status for all others is a refusal, sent once', async () => {
        await connect()
        await run('read_notes')
        const outcomes: Array<[number, string]> = []
        const asked = server.state.requests.length
        for (const status of [400, 408, 409, 422, 424, 429, 499, 501]) {
          server.state.gate = ({ method }) => (method === 'tools/call' ? { status, body: 'no' } : undefined)
          outcomes.push([status, await failure(run('add_unkeyed', 'x'))])
          await user.post(`/api/mcp/servers/${id}/refresh`, {})
        }
        expect(outcomes).to.deep.equal([
          [400, 'mcp.refused'],
          [408, 'unknown'],
          [409, 'unknown'],
          [422, 'mcp.refused'],
          [424, 'unknown'],
          [429, 'mcp.refused'],
          [499, 'unknown'],
          [501, 'mcp.broken'],
        ])
        const calls = server.state.requests.slice(asked).filter(({ method }) => method === 'tools/call')
        expect(calls).to.have.length(outcomes.length)
        server.state.gate = undefined
      })

      it('have an unknown outcome where what is answered is no answer, and have done nothing where it says so', async () => {
        await connect()
        await run('read_notes')
        const scope = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="more"' }
        const answers: Array<[string, number, Record<string, string>, string, string]> = [
          ['sent on, as it is', 307, { location: server.url }, '', 'mcp.address_refused'],
          ['done, see there', 303, { location: server.url }, '', 'unknown'],
          ['a page', 200, { 'content-type': 'text/html' }, '<html>Welcome</html>', 'unknown'],
          ['a stream without it', 200, { 'content-type': 'text/event-stream' }, ': working\n\n', 'unknown'],
          ['taken, and no more', 202, {}, '', 'unknown'],
          ['other JSON', 200, { 'content-type': 'application/json' }, '{"ok":true}', 'unknown'],
          ['for more than is allowed', 403, scope, '', 'mcp.refused'],
        ]
        const outcomes: Array<[string, string]> = []
        const asked = server.called().length
        for (const [what, status, headers, body] of answers) {
          server.state.gate = ({ method }) => (method === 'tools/call' ? { status, headers, body } : undefined)
          outcomes.push([what, await failure(run('add_unkeyed', 'x'))])
          server.state.gate = undefined
          await user.post(`/api/mcp/servers/${id}/refresh`, {})
        }
        expect(outcomes).to.deep.equal(answers.map(([what, , , , outcome]) => [what, outcome]))
        expect(server.called().slice(asked)).to.have.length(answers.length)
        // Who has too much to do says when; what somebody has approved waits for that, if it is not too long.
        for (const [after, waits] of [['7', 7_000] as const, ['3600', undefined] as const]) {
          server.state.gate = ({ tool }) => (tool ? { status: 429, headers: { 'retry-after': after } } : undefined)
          const busy = await run('add_unkeyed', 'x').catch((error: unknown) => error)
          expect(busy).to.be.instanceOf(ToolFailed).and.include({ code: 'mcp.refused' })
          expect(Object(busy).retryInMs).to.equal(waits)
        }
        server.state.gate = undefined
        expect(server.state.notes).to.deep.equal([])
      })

      it('go on in a new session where their server says, with whatever status, that it does not know theirs', async () => {
        await connect()
        for (const [status, body] of [
          [404, ''],
          [
            400,
            '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}',
          ],
        ] as const) {
          await run('read_notes')
          let isFirst = true
          server.state.gate = ({ method }) => {
            if (method !== 'tools/call' || !isFirst) return undefined
            isFirst = false
            return { status, body, headers: { 'content-type': 'application/json' } }
          }
          expect(await words('add_unkeyed', String(status))).to.equal(`noted ${status}`)
        }
        expect(server.state.notes).to.deep.equal(['404', '400'])
        server.state.gate = undefined
      })

      it('are stopped at the server by whoever stops them, and by their time', async () => {
        await connect()
        const stop = new AbortController()
        const hanging = failure(run('hang', '', { signal: stop.signal }))
        await server.asked(({ tool }) => tool === 'hang')
        const aborted = server.aborted()
        stop.abort(new Error('cancelled'))
        expect(await hanging).to.equal('unknown')
        await aborted
        expect(await failure(run('hang', '', { signal: AbortSignal.timeout(100) }))).to.equal('unknown')
        await eventually(async () => server.state.aborted === 2)
        // The session lives on.
        expect(await words('add_unkeyed', 'after')).to.equal('noted after')
      })

      it('that answer with an error of the protocol, or with too much, have run', async () => {
        await connect()
        expect(await run('break')).to.deep.include({ isError: true, errorCode: 'mcp.error' })
        expect(await run('flood')).to.deep.equal({
          content: [{ type: 'text', text: 'The MCP server answered with more than is read.' }],
          isError: true,
          errorCode: 'mcp.too_large',
        })
        expect((await status()).status).to.equal('ready')
      })

      it('go on after their server has begun anew', async () => {
        await connect()
        await run('add_unkeyed', 'before')
        await server.restart()
        expect(await words('add_unkeyed', 'after')).to.equal('noted after')
        expect(server.state.notes).to.deep.equal(['before', 'after'])
      })

      it('that have changed since they were allowed are not called', async () => {
        await connect()
        server.state.tools = TOOLS.map((tool) =>
          tool.name === 'add_unkeyed' ? { ...tool, description: 'Sends the note to everybody' } : tool,
        )
        expect(await failure(run('add_unkeyed', 'secret'))).to.equal('mcp.tool_changed')
        expect(server.called()).to.deep.equal([])
        // And now it is known.
        expect(await bind(['add_unkeyed'])).to.deep.equal([])
        expect(await words('read_notes')).to.equal('It answered nothing.')
      })
    })
  }

  it('that may have changed are not called while nobody knows how they are now', async () => {
    server.state.speaks = 'legacy'
    await connect()
    await run('add_unkeyed', 'before')
    const [bound] = await bind(['add_unkeyed'])
    const entity = await app.container.mcpSessions.take(user.id, id)
    const { pooled } = await pool.take(entity, AbortSignal.timeout(5_000))
    pool.give(pooled)
    // As its server says it.
    pooled.session.isStale = true
    server.state.tools = TOOLS.map((tool) => ({ ...tool, description: 'Sends the note to everybody' }))
    server.state.gate = ({ method }) => (method === 'tools/list' ? { status: 503 } : undefined)
    const where = { userId: user.id, conversationId: newId(), runId: newId(), turn: 0, call: 0 }
    const ask = () =>
      failure(
        Promise.resolve(
          bound?.run({ text: 'secret' }, { ...where, idempotencyKey: newId(), signal: AbortSignal.timeout(5_000) }),
        ),
      )
    expect(await ask()).to.equal('mcp.broken')
    server.state.gate = undefined
    expect(await ask()).to.equal('mcp.tool_changed')
    expect(server.state.notes).to.deep.equal(['before'])
  })

  it('are not asked of a server that is turned off meanwhile, by another node', async () => {
    await connect()
    const [bound] = await bind(['add_unkeyed'])
    await run('add_unkeyed', 'one')
    await user.put(`/api/mcp/servers/${id}`, { enabled: false })
    const where = { userId: user.id, conversationId: newId(), runId: newId(), turn: 0, call: 0 }
    const asked = bound?.run({}, { ...where, idempotencyKey: newId(), signal: AbortSignal.timeout(5_000) })
    expect(await failure(asked ?? Promise.resolve())).to.equal('mcp.off')
    expect(server.state.notes).to.deep.equal(['one'])
  })

  it('are asked so often in a minute, and not of a server that fails again and again', async () => {
    await connect()
    server.state.gate = ({ method }) => (method === 'tools/call' ? { status: 500 } : undefined)
    const outcomes: string[] = []
    for (let n = 0; n < 6; n++) outcomes.push(await failure(run('add_unkeyed')))
    expect(outcomes).to.deep.equal([...Array(5).fill('unknown'), 'mcp.paused'])
    expect((await status()).pausedUntil).not.to.equal(null)
    server.state.gate = undefined
    // Its owner's look ends the pause.
    await user.post(`/api/mcp/servers/${id}/refresh`, {})
    expect(await failure(run('add_unkeyed'))).to.equal('done')
    const many = await Promise.all(Array.from({ length: 40 }, () => failure(run('read_notes'))))
    expect(many).to.include('mcp.busy')
  })

  it('leave no session behind that was begun for whoever has given up meanwhile', async () => {
    server.state.speaks = 'legacy'
    await connect()
    const short = new SessionPool(app.container.mcpSessions, 5_000, 10)
    const entity = await app.container.mcpSessions.take(user.id, id)
    const giveUp = new AbortController()
    const begun = server.asked(({ method }) => method === 'initialize')
    const ended = server.asked(({ verb }) => verb === 'DELETE')
    const taken = short.take(entity, giveUp.signal).then(
      () => 'taken',
      () => 'given up',
    )
    await begun
    giveUp.abort(new Error('cancelled'))
    expect(await taken).to.equal('given up')
    await ended
    await short.close()
  })

  it('end their session with its last use, and all with the process', async () => {
    server.state.speaks = 'legacy'
    await connect()
    const short = new SessionPool(app.container.mcpSessions, 5_000, 10)
    tools = new McpTools({ tools: app.container.mcpToolRepository, sessions: app.container.mcpSessions, pool: short })
    const ended = server.asked(({ verb }) => verb === 'DELETE')
    await run('read_notes')
    await ended
    await short.close()
  })
})
