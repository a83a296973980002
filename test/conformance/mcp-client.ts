import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { z } from 'zod'
import { mcpRefreshView, mcpSignInView } from '../../src/contract/mcp-views.ts'
import { messageOf } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { McpTools } from '../../workers/mcp/mcp-tools.ts'
import { SessionPool } from '../../workers/mcp/session-pool.ts'
import { useApp } from '../support/app.ts'

/** Fetched from the registry when this runs: it brings a hundred packages along that nothing else needs. */
const SUITE = '@modelcontextprotocol/conformance@0.1.16'
const RELAY = fileURLToPath(new URL('./relay.ts', import.meta.url))

/** What of the suite is about what we do: tools over Streamable HTTP, and signing in for them. */
const SCENARIOS = [
  'initialize',
  'tools_call',
  'sse-retry',
  'auth/metadata-default',
  'auth/metadata-var1',
  'auth/metadata-var2',
  'auth/metadata-var3',
  'auth/basic-cimd',
  'auth/scope-from-www-authenticate',
  'auth/scope-from-scopes-supported',
  'auth/scope-omitted-when-undefined',
  'auth/token-endpoint-auth-basic',
  'auth/token-endpoint-auth-post',
  'auth/token-endpoint-auth-none',
  'auth/pre-registration',
]
/** And where the suite wants a client to give up. */
const REFUSED = ['auth/resource-mismatch']

const asked = z.object({ url: z.string(), scenario: z.string(), context: z.string().optional() })
const clientGiven = z.looseObject({ client_id: z.string().optional(), client_secret: z.string().optional() })
const named = z.object({ data: z.array(z.object({ name: z.string() })) })
/** The suite knows one address of a client's document, which is not ours. */
const DOCUMENT = 'https://conformance-test.local/client-metadata.json'
const ARGUMENTS: Record<string, Record<string, unknown>> = { add_numbers: { a: 5, b: 3 } }

describe("The MCP project's conformance suite for clients", function () {
  this.timeout(120_000)
  const app = useApp({ worker: false, env: { PUBLIC_URL: 'https://chat.example.com' } })
  let relayUrl = ''
  const relay = createServer((request, response) => {
    text(request)
      .then((body) => doIt(asked.parse(JSON.parse(body))))
      .then(() => response.end())
      .catch((error: unknown) => response.writeHead(500).end(messageOf(error)))
  })
  before(async () => {
    relay.listen(0, '127.0.0.1')
    await once(relay, 'listening')
    const address = relay.address()
    relayUrl = typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : ''
  })
  after(() => void relay.close())

  /** All that the product does with a server: it is connected, signed in to if it asks for that, and its tools are run. */
  async function doIt({ url, scenario, context }: z.infer<typeof asked>): Promise<void> {
    const user = await app.api.register()
    const isSignedIn = scenario.startsWith('auth/')
    const id = await user.create('/api/mcp/servers', { name: scenario, url, auth: isSignedIn ? 'oauth' : 'none' })
    if (isSignedIn) {
      const given = clientGiven.parse(JSON.parse(context ?? '{}'))
      if (scenario === 'auth/basic-cimd') given.client_id = DOCUMENT
      const client = given.client_id ? { clientId: given.client_id, clientSecret: given.client_secret } : {}
      const begun = await user.post(`/api/mcp/servers/${id}/sign-in`, client)
      if (begun.status !== 200) throw new Error(JSON.stringify(begun.body))
      const sent = await fetch(mcpSignInView.parse(begun.body).authorizationUrl, { redirect: 'manual' })
      const back = new URL(sent.headers.get('location') ?? '')
      const { state, code, iss } = Object.fromEntries(back.searchParams)
      const ended = await user.post('/api/mcp/sign-in', { serverId: back.pathname.split('/').at(-1), state, code, iss })
      if (ended.status !== 204) throw new Error(JSON.stringify(ended.body))
    }
    const refreshed = mcpRefreshView.parse((await user.post(`/api/mcp/servers/${id}/refresh`, {})).body)
    if (!refreshed.ok) throw new Error(refreshed.error.message)
    const { data } = named.parse((await user.get(`/api/mcp/servers/${id}/tools`)).body)
    const { mcpSessions, mcpToolRepository } = app.container
    const pool = new SessionPool(mcpSessions, 10_000)
    const tools = new McpTools({ tools: mcpToolRepository, sessions: mcpSessions, pool })
    const chosen = data.map(({ name }) => ({ serverId: id, name, policy: null }))
    for (const { tool, run } of await tools.bind(chosen, user.id)) {
      const where = { userId: user.id, conversationId: newId(), runId: newId(), turn: 0, call: 0 }
      const signal = AbortSignal.timeout(20_000)
      await run(ARGUMENTS[tool.sourceName] ?? {}, { ...where, idempotencyKey: newId(), signal })
    }
    await pool.close()
  }

  /** How the suite ended, and what it said. */
  async function suiteOn(scenario: string): Promise<{ code: number; said: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
    const args = ['--yes', SUITE, 'client', '--command', `node ${RELAY}`, '--scenario', scenario, '-o', folder]
    const env = { ...process.env, RELAY_URL: relayUrl }
    try {
      const { stdout, stderr } = await promisify(execFile)('npx', args, { env })
      return { code: 0, said: stdout + stderr }
    } catch (error) {
      const failed = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() }).parse(error)
      return { code: failed.code, said: failed.stdout + failed.stderr }
    }
  }

  for (const scenario of [...SCENARIOS, ...REFUSED]) {
    it(`is content: ${scenario}`, async () => {
      const { code, said } = await suiteOn(scenario)
      expect(code, said.slice(-3_000)).to.equal(0)
    })
  }
})
