import { expect } from 'chai'
import fc from 'fast-check'
import { io } from 'socket.io-client'
import { z } from 'zod'
import type { clientCommands } from '../../src/contract/events.ts'
import { inspectJson } from '../../src/shared/json-size.ts'
import { ADA, ROUTE_TABLE, type RouteEntry } from '../architecture/route-table.ts'
import { errorOf, type TestUser, wireErrorOf } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'

/** Requests for each route, commands of each kind. More of both find more: FUZZ_RUNS=2000 for a night. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 25)
const NOBODY = '01990000-0000-7000-8000-00000000dead'
/** Bytes of an error, whatever it is about. */
const MOST_ERROR_BYTES = 20_000
/** Bytes of any answer here, where nobody has stored much. */
const MOST_ANSWER_BYTES = 300_000
/** Bytes of a document that describes all of it. */
const MOST_DOCUMENT_BYTES = 1_000_000

const TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '😀',
  '\u202e',
  '../../etc/passwd',
  '%00',
  '%',
  '__proto__',
  'NaN',
  'null',
]
const IDS = [
  ADA,
  ADA.toUpperCase(),
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  'x',
]
const NUMBERS = [
  0,
  -1,
  1,
  1.5,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  1e12,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  1e300,
  -(2 ** 31) - 1,
]
const DATES = [
  '0000-01-01T00:00:00Z',
  '0001-01-01',
  '9999-12-31T23:59:59-23:59',
  '9999-12-31',
  '2026-02-30',
  '+275760-09-13',
]

const text = fc.oneof(
  fc.constantFrom(...TEXTS, ...IDS, ...DATES),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer({ min: 1, max: 40_000 }).map((length) => 'x'.repeat(length)),
  fc.constantFrom(...NUMBERS).map(String),
)
const scalar = fc.oneof(text, fc.constantFrom<unknown>(...NUMBERS, null, true, false))
const deep = fc.integer({ min: 1, max: 2_000 }).map((depth) => `${'['.repeat(depth)}1${']'.repeat(depth)}`)
const wide = fc
  .integer({ min: 1, max: 5_000 })
  .map((width) => Object.fromEntries(Array.from({ length: width }, (_, i) => [`k${i}`, i])))
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 120 }) },
  { weight: 2, arbitrary: fc.dictionary(text, scalar, { maxKeys: 8 }) },
  { weight: 1, arbitrary: wide },
)

/** A body that nearly fits: one of the fields that it may have, or one that nobody knows, is another value. */
const nearly = (body: unknown, names: string[] = FIELDS): fc.Arbitrary<unknown> => {
  const base: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {}
  return fc
    .tuple(fc.constantFrom(...Object.keys(base), ...names, ...names, 'unknown'), value)
    .map(([name, one]) => ({ ...base, [name]: one }))
}
/** Fields that some request or other knows. */
const FIELDS = ['conversationId', 'fileIds', 'agentIds', 'stop', 'maxTurns', 'strategy', 'onBusy', 'idempotencyKey']
  .concat(['name', 'email', 'password', 'baseUrl', 'apiKey', 'model', 'temperature', 'maxOutputTokens', 'chatStyle'])
  .concat(['title', 'archived', 'amount', 'userId', 'reason', 'effectiveFrom', 'size', 'contentType', 'ids', 'code'])

const bodyText = (entry: RouteEntry, names: string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 8, arbitrary: nearly(entry.body, names).map((body) => JSON.stringify(body)) },
    { weight: 2, arbitrary: value.map((one) => JSON.stringify(one)) },
    { weight: 1, arbitrary: deep.map((nested) => `{"name":${nested}}`) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  )

const QUERIES = [
  'limit',
  'cursor',
  'beforeSeq',
  'afterSeq',
  'from',
  'to',
  'by',
  'status',
  'name',
  'variant',
  'type',
].concat(['disposition', 'lastEventId', 'archived', 'runId', 'conversationId', 'actorId', 'action', 'order'])
const queryValue = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NUMBERS).map(String) },
  { weight: 2, arbitrary: fc.constantFrom(...DATES, ...IDS) },
  { weight: 2, arbitrary: text },
)
const queryOf = (names: string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.constantFrom(...names, ...names, ...names, 'unknown'), queryValue), {
      minLength: Math.min(names.length, 1),
      maxLength: 2,
    })
    .map((pairs) =>
      pairs.map(([name, one]) => `${name}=${encodeURIComponent(one.toWellFormed().slice(0, 2_000))}`).join('&'),
    )
    .map((pairs) => (pairs ? `?${pairs}` : ''))

/** Positions in a stream that were made by hand. */
const position = fc
  .array(fc.oneof(fc.constantFrom<unknown>(1, ADA, [], ...NUMBERS), value), { minLength: 7, maxLength: 7 })
  .map((parts) => Buffer.from(JSON.stringify([1, ADA, ...parts.slice(2)]).slice(0, 6_000)).toString('base64url'))
const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
})
const headers = fc.dictionary(
  fc
    .constantFrom('idempotency-key', 'prefer', 'range', 'if-range', 'if-none-match', 'if-modified-since', 'accept')
    .filter(Boolean),
  fc.oneof(visible, fc.constantFrom('bytes=0-', 'bytes=9-1', 'wait=0', '*', '"x"', 'bytes=0-0,2-3,-1')),
  { maxKeys: 3 },
)

describe('Whatever is sent', function () {
  this.timeout(300_000)
  const app = useApp({ worker: false, env: { LOGIN_ATTEMPTS: '100000', UPLOADS_PER_MINUTE: '100000' } })

  const alive = async () => expect((await app.api.get('/healthz')).status).to.equal(200)
  afterEach(alive)

  /** A call that reads the answer up to `MOST_DOCUMENT_BYTES`; streams are left at their first piece. */
  const call = async (method: string, path: string, given: Record<string, string>, body: string | undefined) => {
    const gone = new AbortController()
    const init = {
      method,
      headers: given,
      signal: gone.signal,
      redirect: 'manual',
      ...(body !== undefined && { body }),
    } as const
    const answer = await fetch(app.url + path, init)
    let bytes = 0
    let said = ''
    for await (const piece of answer.body ?? []) {
      bytes += piece.length
      said += Buffer.from(piece).toString()
      if (bytes > MOST_DOCUMENT_BYTES || answer.headers.get('content-type')?.includes('event-stream')) break
    }
    gone.abort()
    return { status: answer.status, bytes, said }
  }

  const issues = z.object({
    error: z.object({ details: z.object({ issues: z.array(z.object({ path: z.string(), message: z.string() })) }) }),
  })
  /** Those of the names that a route knows: it says of the others that it does not. */
  const known = async (names: string[], ask: (names: string[]) => Promise<{ said: string }>): Promise<string[]> => {
    for (let left = names; ; ) {
      const { said } = await ask(left)
      const parsed = said.startsWith('{') ? issues.safeParse(JSON.parse(said)).data : undefined
      const named = new Set(parsed?.error.details.issues.map(({ path }) => path))
      const strange = new Set(
        parsed?.error.details.issues.flatMap(({ path, message }) => (message.includes('not a known') ? [path] : [])),
      )
      // A route that complains of nothing reads nothing.
      if (named.size === 0) return []
      if (strange.size === 0) return left
      left = left.filter((name) => !strange.has(name))
    }
  }

  for (const [route, entry] of Object.entries(ROUTE_TABLE)) {
    const [method = '', path = ''] = route.split(' ')
    it(`to ${route} is answered, in little, and never with an error of ours`, async () => {
      const by: TestUser =
        entry.access === 'admin' ? await app.api.login(ADMIN.email, ADMIN.password) : await app.api.register()
      const id =
        entry.of === 'conversation'
          ? (await by.accept('/api/chat', { agentId: ADA, message: 'Hi' })).conversationId
          : ADA
      const auth = { authorization: `Bearer ${by.token}`, 'content-type': 'application/json', ...entry.headers }
      const to = path.replace(':id', id)
      const queries = await known(QUERIES, (names) =>
        call(
          method,
          `${to}?${names.map((name) => `${name}=%20`).join('&')}`,
          auth,
          method === 'GET' ? undefined : '{}',
        ),
      )
      const fields =
        method === 'GET'
          ? []
          : await known(FIELDS, (names) =>
              call(method, to, auth, JSON.stringify(Object.fromEntries(names.map((name) => [name, {}])))),
            )
      const cases = fc.record({
        id: fc.oneof(
          { weight: 6, arbitrary: fc.constant(id) },
          { weight: 1, arbitrary: text.map((one) => encodeURIComponent(one.toWellFormed().slice(0, 500))) },
        ),
        query: queryOf(queries),
        headers,
        lastEventId: fc.option(position, { nil: undefined }),
        body: method === 'GET' ? fc.constant(undefined) : bodyText(entry, fields),
      })
      await fc.assert(
        fc.asyncProperty(cases, async (one) => {
          const given: Record<string, string> = {
            authorization: `Bearer ${by.token}`,
            ...(method !== 'GET' && { 'content-type': 'application/json' }),
            ...entry.headers,
            ...one.headers,
            ...(one.lastEventId && { 'last-event-id': one.lastEventId }),
          }
          // What would be accepted there is answered at the end of its run, which no worker brings about here.
          const body = path.startsWith('/v1/')
            ? one.body?.replaceAll(ADA, NOBODY).replaceAll(ADA.toUpperCase(), NOBODY)
            : one.body
          const answer = await call(method, path.replace(':id', one.id || 'x') + one.query, given, body)
          expect(answer.status, answer.said.slice(0, 500)).to.be.below(500)
          const most = path.endsWith('.json') ? MOST_DOCUMENT_BYTES : MOST_ANSWER_BYTES
          expect(answer.bytes).to.be.below(answer.status >= 400 ? MOST_ERROR_BYTES : most)
          if (answer.status >= 400) {
            const said = path.startsWith('/v1/') ? wireErrorOf : errorOf
            said({ status: answer.status, body: JSON.parse(answer.said), headers: new Headers() })
          }
        }),
        { numRuns: RUNS, endOnFailure: true },
      )
    })
  }

  const reply = z.union([
    z.looseObject({ ok: z.literal(true) }),
    z.looseObject({ ok: z.literal(false), error: z.looseObject({ code: z.string(), status: z.number() }) }),
  ])
  const SOCKET_BODIES: Record<keyof typeof clientCommands, object> = {
    'conversation.join': { conversationId: ADA, afterSeq: 0 },
    'conversation.leave': { conversationId: ADA },
    'message.send': { agentId: ADA, message: 'Hello' },
    'run.cancel': { runId: ADA },
    'auth.refresh': { token: 'x' },
  }
  for (const [name, body] of [...Object.entries(SOCKET_BODIES), ['no.such.command', {}] as const]) {
    it(`as ${name} over a socket is answered, in little, and never with an error of ours`, async () => {
      const { token } = await app.api.register()
      const socket = io(app.url, { transports: ['websocket'], auth: { token }, forceNew: true, reconnection: false })
      try {
        await new Promise<void>((resolve) => socket.once('connect', resolve))
        // What holds more values than are ever parsed ends the socket: socket-guard.test.ts.
        const sendable = fc
          .array(fc.oneof(nearly(body), value), { minLength: 1, maxLength: 2 })
          .filter((args) => !inspectJson(Buffer.from(JSON.stringify(args))).isTooLarge)
        await fc.assert(
          fc.asyncProperty(sendable, async (args) => {
            // As the wire has it: what JSON cannot say does not come.
            const sent = z.array(z.unknown()).parse(JSON.parse(JSON.stringify(args)))
            const said = reply.parse(await socket.timeout(15_000).emitWithAck(name, ...sent))
            expect(JSON.stringify(said).length).to.be.below(MOST_ERROR_BYTES)
            if (!said.ok) expect(said.error.status, said.error.code).to.be.below(500)
          }),
          { numRuns: Math.min(RUNS, 35), endOnFailure: true },
        )
      } finally {
        socket.disconnect()
      }
    })
  }
})
