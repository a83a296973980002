import { expect } from 'chai'
import fc from 'fast-check'
import {
  ADA,
  apiKey,
  mcpServer,
  party,
  ROUTE_TABLE,
  schedule,
  type Thing,
  webhook,
} from '../architecture/route-table.ts'
import type { TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { checkerOf, type Operation, operationsOf, type Schema } from '../support/openapi.ts'
import { valuesOf } from '../support/schema-arbitrary.ts'

/** Requests for each operation. More find more: GENERATED_RUNS=1000 for a night. */
const RUNS = Number(process.env.GENERATED_RUNS ?? 12)
/** What ends the session, or the account, of who asks: each request has a user of its own. */
const LAST = ['DELETE /api/users/:id', 'POST /api/auth/logout', 'PUT /api/auth/profile']
/** Nobody knows a second time whether there are others than those here: an administrator suspends, or deletes, one of their own. */
const OF_OTHERS = ['POST /api/users/:id/suspend', 'POST /api/users/:id/unsuspend', 'DELETE /api/users/:id/sessions']

describe('Requests made of the document of the API', function () {
  this.timeout(240_000)
  const app = useApp({
    env: {
      LOGIN_ATTEMPTS: '100000',
      UPLOADS_PER_MINUTE: '100000',
      USER_AGENTS: '100000',
      USER_CONVERSATIONS: '100000',
    },
  })
  let operations: Operation[]
  let check: ReturnType<typeof checkerOf>
  let resolve: (ref: string) => Schema
  let admin: TestUser
  let user: TestUser

  before(async () => {
    const document: unknown = await (await fetch(`${app.url}/openapi.json`)).json()
    operations = operationsOf(document)
    check = checkerOf(document)
    resolve = (ref) =>
      ref
        .slice(2)
        .split('/')
        .reduce((node, part) => Object(node)[part], Object(document))
    admin = await app.api.login(ADMIN.email, ADMIN.password)
    user = await app.api.register()
  })

  const spoken = async () => {
    const accepted = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await user.finished(accepted.runId)
    return accepted
  }
  /** Objects that a path may name; of what nobody may have, an id alone. */
  const MAKERS: Partial<Record<Thing, () => Promise<string>>> = {
    agent: () => user.create('/api/agents', { name: 'Ada', instructions: 'You are Ada.' }),
    connection: () => user.create('/api/connections', { name: 'C', provider: 'demo', model: 'demo' }),
    conversation: async () => (await spoken()).conversationId,
    entry: async () => {
      const id = await user.create('/api/agents', { name: 'Ada', instructions: 'You are Ada.' })
      return user.create('/api/gallery', { kind: 'agent', id, authorName: 'Ada' })
    },
    file: () => user.upload('a.txt', 'text/plain', 'words'),
    key: () => user.create('/api/keys', apiKey),
    mcpServer: () => user.create('/api/mcp/servers', mcpServer),
    message: async () => (await user.messages((await spoken()).conversationId)).at(-1)?.id ?? ADA,
    party: () => user.create('/api/parties', party),
    run: async () => (await spoken()).runId,
    schedule: () => user.create('/api/schedules', schedule),
    upload: () => user.create('/api/storage/uploads', { name: 'a.txt', size: 4 }),
    user: async () => user.id,
    webhook: () => user.create('/api/webhooks', webhook),
  }

  const breaking = fc.record({
    place: fc.constantFrom('body', 'query', 'token', 'type'),
    name: fc.oneof(fc.constantFrom('limit', 'cursor', 'name', 'message', 'unknown'), fc.string({ maxLength: 10 })),
    value: fc.oneof(fc.constantFrom<unknown>(null, -1, 1e300, '', [], {}, '\0', 'x'.repeat(3_000)), fc.jsonValue()),
  })
  /** Requests by their schemas, or their examples; some of them with one thing wrong. */
  const requestsFor = ({ spec, media }: Operation, id: string) => {
    const body = media.find(({ of }) => of === 'body')
    const queries = (spec.parameters ?? []).filter((one) => one.in === 'query')
    return fc.record({
      body: body
        ? fc.oneof(fc.constantFrom(...body.examples), valuesOf(body.schema, resolve))
        : fc.constant<unknown>(undefined),
      query: fc.record<Record<string, unknown>>(
        Object.fromEntries(queries.map(({ name, schema }) => [name, fc.option(valuesOf(schema, resolve))])),
      ),
      id: fc.oneof({ weight: 5, arbitrary: fc.constant(id) }, fc.uuid(), fc.constantFrom('x', '%00', '%E0%A4%A')),
      broken: fc.option(breaking),
    })
  }
  type Made = ReturnType<typeof requestsFor> extends fc.Arbitrary<infer R> ? R : never

  const send = async ({ method, path }: Operation, token: string, { body, query, id, broken }: Made) => {
    const asked = broken?.place === 'query' ? { ...query, [broken.name]: broken.value } : query
    const pairs = Object.entries(asked).flatMap(([name, value]) =>
      value === null ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)] as const],
    )
    const sent = broken?.place === 'body' ? { ...Object(body), [broken.name]: broken.value } : body
    const hasBody = method !== 'GET' && sent !== undefined
    const gone = new AbortController()
    const answer = await fetch(
      `${app.url}${path.replace(/\{\w+\}/g, id)}?${new URLSearchParams(Object.fromEntries(pairs))}`,
      {
        method,
        signal: gone.signal,
        redirect: 'manual',
        headers: {
          ...(broken?.place !== 'token' && { authorization: `Bearer ${token}` }),
          ...(hasBody && { 'content-type': broken?.place === 'type' ? 'text/plain' : 'application/json' }),
        },
        ...(hasBody && { body: JSON.stringify(sent) }),
      },
    )
    const type = answer.headers.get('content-type') ?? ''
    const text = type.includes('event-stream') ? '' : await answer.text()
    gone.abort()
    return { answer, type, text }
  }

  for (const [name, { access, of }] of Object.entries(ROUTE_TABLE)) {
    if (access === 'open') continue
    it(`to ${name} are answered as it says`, async () => {
      const operation = operations.find((one) => one.name === name)
      if (!operation) throw new Error(`${name} is not in the document`)
      const isOfOthers = OF_OTHERS.includes(name)
      const id = isOfOthers ? (await app.api.register()).id : ((of && (await MAKERS[of]?.())) ?? ADA)
      const asking = async () => {
        if (LAST.includes(name)) return app.api.register()
        return access === 'admin' ? admin : user
      }
      await fc.assert(
        fc.asyncProperty(requestsFor(operation, id), async (request) => {
          const { answer, type, text } = await send(operation, (await asking()).token, request)
          const said = `${answer.status} ${text.slice(0, 600)}`
          expect(answer.status, said).to.be.below(500)
          expect(answer.headers.get('x-request-id'), said).to.be.a('string')
          const promised = operation.responses.get(String(answer.status))
          expect(promised, `the document has the status of ${said}`).not.to.equal(undefined)
          const json = promised?.find((one) => one.type === 'application/json')
          if (json && type.includes('json')) expect(check(json.schema, JSON.parse(text)), said).to.equal(undefined)
          else if (promised?.length === 0) expect(text, said).to.equal('')
          if (answer.status >= 400) expect(operation.errorCodes, said).to.include(JSON.parse(text).error.code)
        }),
        { numRuns: RUNS, endOnFailure: true },
      )
    })
  }
})
