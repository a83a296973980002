import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CreateBucketCommand, CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3'
import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { z } from 'zod'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { scanRedis } from '../../src/erasure/redis-scan.ts'
import { scanStore } from '../../src/erasure/store-scan.ts'
import type { WordFound } from '../../src/erasure/word-needles.ts'
import { wordsIn } from '../../src/erasure/word-needles.ts'
import { WordScanRepository } from '../../src/erasure/word-scan.repository.ts'
import { redisValues } from '../../src/redis/redis-values.ts'
import { newId } from '../../src/shared/ids.ts'
import { createStore } from '../../src/storage/store/create-store.ts'
import { objectKeys } from '../../src/storage/store/object-keys.ts'
import type { Store } from '../../src/storage/store/store.ts'
import { ApiClient, type TestUser } from '../support/api-client.ts'
import { ADMIN } from '../support/app.ts'
import { type Cluster, processSettings, startCluster } from '../support/cluster.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { DOCX, docx, pdf } from '../support/file-corpus.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { eventually, usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { needPrograms } from '../support/programs.ts'
import { connectionsTo, type RedisServer, startRedis } from '../support/redis.ts'

const S3_KEYS = { accessKeyId: 'test', secretAccessKey: 'testtest' }
const erasures = z.object({
  data: z.array(
    z.object({
      userId: z.string(),
      phase: z.string(),
      error: z.string().nullable(),
      failures: z.number(),
      counts: z.record(z.string(), z.number()),
    }),
  ),
})

/** A word of its own for each place, so that the report says what stayed. */
class Words {
  readonly all: string[] = []
  /** The next one; its letters are no word of any language, and no stemmer changes them. */
  of(place: string): string {
    const word = `zq${place}${Math.random().toString().slice(2, 14).padEnd(12, '0')}`
    this.all.push(word)
    return word
  }
}

/** The product as real processes, in one of its two profiles, with all that it keeps within reach. */
interface World {
  api: ApiClient
  db: DataSource
  store: Store
  llm: MockLlm
  dataDir: string
  /** All that its processes wrote so far. */
  logs(): string
  /** What stands where; undefined without Redis. */
  redis: RedisServer | undefined
  stop(): Promise<void>
}

async function startWorld(profile: 'embedded' | 'distributed'): Promise<World> {
  const database: TestDatabase = await createDatabase()
  const llm = await startMockLlm()
  const dataDir = await mkdtemp(join(tmpdir(), 'chatsparty-erasure-'))
  const endpoint = process.env.S3_TEST_ENDPOINT
  const usesS3 = profile === 'distributed' && endpoint !== undefined
  const bucket = `test-${randomUUID()}`
  if (usesS3) {
    const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials: S3_KEYS })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  }
  const env: Record<string, string> = {
    DATA_DIR: dataDir,
    LOG_LEVEL: 'trace',
    ERASURE_SETTLE_MS: '1500',
    // One failure opens: the host is a word then.
    BREAKER_FAILURES: '1',
    PROVIDER_OUTAGE: 'fail',
    // Nobody listens there, so mails stay in the outbox.
    SMTP_URL: 'smtp://127.0.0.1:1',
    MAIL_FROM: 'party@example.com',
    PUBLIC_URL: 'http://localhost:3000',
    SIGNUP_GRANT_FOR: 'everybody',
    ...(usesS3 && {
      STORAGE_PROVIDER: 's3',
      S3_BUCKET: bucket,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
    }),
  }
  const db = await createDataSource({ url: database.url, entities: [], poolSize: 3 }).initialize()
  const redis = profile === 'distributed' ? await startRedis() : undefined
  let cluster: Cluster | undefined
  let api: ApiClient
  let logs: () => string
  let end: () => Promise<unknown>
  if (redis) {
    const started = await startCluster({ webs: 1, workers: 1, redis, databaseUrl: database.url, llm, env })
    cluster = started
    api = started.api()
    logs = () => [...started.webs, ...started.workers].map(({ output }) => output).join('\n')
    end = () => started.stop()
  } else {
    const server = startProcess('workers/embedded.ts', {
      env: { ...processSettings({ llm, env }), DATABASE_URL: database.url },
    })
    const [, url = ''] = await server.waitForLine(/listens on (http:\S+)/, 60_000)
    api = new ApiClient(url)
    logs = () => server.output
    end = () => server.kill('SIGTERM')
  }
  return {
    api,
    db,
    llm,
    dataDir,
    logs,
    redis,
    store: await createStore({
      STORAGE_PROVIDER: usesS3 ? 's3' : 'local',
      DATA_DIR: dataDir,
      S3_BUCKET: bucket,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
    }),
    async stop() {
      await end()
      await db.destroy()
      await Promise.all([llm.stop(), database.drop(), redis?.stop(), rm(dataDir, { recursive: true, force: true })])
      void cluster
    },
  }
}

/** Everywhere that words are kept. */
async function scan({ db, store, redis, logs }: World, words: string[]): Promise<WordFound[]> {
  const found = [...(await new WordScanRepository(db).scan(words)).found, ...(await scanStore(store, words)).found]
  if (redis) {
    const client = connectionsTo(redis.url).commands({})
    found.push(...(await scanRedis(redisValues(client), words)).found)
    client.disconnect()
  }
  return [...found, ...wordsIn(logs(), words).map((word) => ({ where: 'log', word }))]
}

const RED_DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==',
  'base64',
)

for (const profile of ['embedded', 'distributed'] as const) {
  describe(`Erasing a user, ${profile}`, function () {
    usePace()
    this.timeout(600_000)
    let world: World
    let admin: TestUser
    let user: TestUser
    const words = new Words()
    const fileIds: string[] = []

    before(async function () {
      if (profile === 'distributed') needPrograms(this, 'redis-server')
      world = await startWorld(profile)
      admin = await world.api.login(ADMIN.email, ADMIN.password)
    })
    after(() => world?.stop())

    /** A life with a word in each place where a user can put one. */
    const live = async () => {
      const { api, llm, db } = world
      const email = `${words.of('mail')}@example.com`
      const password = 'correct horse battery'
      await admin.post('/api/invitations', { email })
      await api.request(
        'POST',
        '/api/auth/register',
        { email, password, name: words.of('name') },
        {
          'user-agent': words.of('agent'),
        },
      )
      user = await api.login(email, password)
      await api.request(
        'POST',
        '/api/auth/login',
        { email, password: 'wrong wrong' },
        { 'user-agent': words.of('failed') },
      )
      await api.post('/api/auth/password/forgot', { email })
      await admin.post('/api/credits/add', { userId: user.id, amount: '5', reason: words.of('gift') })
      await admin.post(`/api/users/${user.id}/suspend`, { reason: words.of('reason') })
      await admin.post(`/api/users/${user.id}/unsuspend`, {})
      user = await api.login(email, password)

      const baseUrl = llm.baseUrl('openai-compatible')
      const connectionId = await user.create('/api/connections', {
        name: words.of('connection'),
        provider: 'openai-compatible',
        baseUrl,
        apiKey: words.of('key'),
        model: words.of('model'),
      })
      const awayId = await user.create('/api/connections', {
        name: 'Away',
        provider: 'openai-compatible',
        baseUrl: `http://${words.of('host')}.invalid/v1`,
        apiKey: 'nothing',
        model: 'm',
      })
      const agent = (name: string, connection: string) =>
        user.create('/api/agents', {
          name,
          instructions: `You are ${words.of('instructions')}.`,
          characteristics: words.of('character'),
          connectionId: connection,
        })
      const ada = await agent(words.of('ada'), connectionId)
      const bob = await agent(words.of('bob'), connectionId)
      const away = await agent('Away', awayId)

      const texts: Array<[name: string, type: string, content: Buffer | string]> = [
        [`${words.of('txt')}.txt`, 'text/plain', `Some ${words.of('plain')} text`],
        [`${words.of('csv')}.csv`, 'text/csv', `a,b\n${words.of('cell')},2\n`],
        ['a.html', 'text/html', `<p>${words.of('html')}</p>`],
        ['a.docx', DOCX, docx([{ text: `A ${words.of('docx')} letter` }])],
        ['a.pdf', 'application/pdf', pdf([`A ${words.of('pdf')} page`])],
        [`${words.of('png')}.png`, 'image/png', RED_DOT],
      ]
      for (const [name, type, content] of texts) {
        const id = await user.upload(name, type, content)
        fileIds.push(id)
        await user.fileSettled(id)
      }
      await leaveUploads()

      llm.reply({ text: `Then it said ${words.of('reply')}.` })
      const said = await user.accept(
        '/api/chat/multi-agent',
        {
          agentIds: [ada, bob],
          message: `Say ${words.of('message')}`,
          maxTurns: 2,
          stop: { phrase: words.of('phrase') },
          fileIds: fileIds.slice(0, 2),
        },
        { 'idempotency-key': words.of('idempotency') },
      )
      await user.finished(said.runId)
      await user.patch(`/api/chat/conversations/${said.conversationId}`, { title: words.of('title') })
      await db.query(
        `INSERT INTO conversation_summaries (conversation_id, version, up_to_seq, text, prompt_version) VALUES ($1, 1, 1, $2, 'test')`,
        [said.conversationId, words.of('summary')],
      )
      const failed = await user.accept('/api/chat', { agentId: away, message: 'Hello?' })
      await user.finished(failed.runId)
      await user.create('/api/webhooks', {
        url: `http://127.0.0.1:9/${words.of('webhook')}`,
        events: ['run.completed'],
        description: words.of('description'),
      })
      const tools = await user.create('/api/mcp/servers', {
        name: words.of('server'),
        url: `http://127.0.0.1:9/${words.of('serveraddress')}`,
        auth: 'headers',
        headers: [{ name: 'X-Key', value: words.of('serverheader') }],
      })
      await db.query(
        `INSERT INTO mcp_tools (id, server_id, name, seen, seen_hash) VALUES ($1, $2, 'tool', jsonb_build_object('title', $3::text), '')`,
        [newId(), tools, words.of('tool')],
      )
      await user.create('/api/keys', { name: words.of('key'), scopes: ['chat'] })
      await user.create('/api/parties', {
        name: words.of('saved party'),
        agentIds: [ada, bob],
        stop: { phrase: words.of('saved phrase') },
      })
      await user.create('/api/gallery', {
        kind: 'agent',
        id: ada,
        description: words.of('entry'),
        tags: [words.of('tag')],
        authorName: words.of('author'),
      })
      await user.post('/v1/responses', {
        model: `agent:${ada}`,
        input: [
          { role: 'user', content: words.of('told before') },
          { role: 'user', content: words.of('told now') },
        ],
        metadata: { note: words.of('metadata') },
        instructions: words.of('instructions of a response'),
      })
      await user.create('/api/schedules', {
        name: words.of('schedule'),
        cron: '0 9 * * 1',
        party: { agentIds: [ada, bob], message: words.of('party'), maxTurns: 2 },
      })
      // Told to the webhook, which nobody takes.
      const told = await user.accept('/api/chat', { agentId: ada, message: 'Tell.' })
      await user.finished(told.runId)

      // And one that speaks at the moment that everything ends.
      const hold = llm.hold(4)
      llm.reply({
        text: `In flight: ${words.of('live')}, ${'and then some more of it '.repeat(9)}.`,
        hold,
        chunkSize: 24,
      })
      await user.accept('/api/chat/multi-agent', { agentIds: [ada, bob], message: 'On and on', maxTurns: 9 })
      const request = await hold.reached
      // As an object: a promise that is returned is waited for.
      return { ended: request.ended }
    }

    /** What is left of uploads that nobody ended: a staged object, and a half that a killed process was writing. */
    const leaveUploads = async () => {
      const { store, dataDir } = world
      const begun = await user.post('/api/storage/uploads', {
        name: `${words.of('staged')}.txt`,
        contentType: 'text/plain',
        size: 40,
      })
      const { id, url, headers } = z
        .object({ id: z.string(), url: z.string(), headers: z.record(z.string(), z.string()) })
        .parse(begun.body)
      const content = words.of('stage').padEnd(40, '.')
      const own = url.startsWith('/')
      const put = await fetch(own ? world.api.url + url : url, {
        method: 'PUT',
        body: content,
        headers: { ...headers, ...(own && { authorization: `Bearer ${user.token}` }) },
      })
      expect(put.status).to.be.oneOf([200, 204])
      fileIds.push(id)
      const half = objectKeys(fileIds[0] ?? '').original
      if (store.presignPut) {
        const client = new S3Client({
          region: 'us-east-1',
          endpoint: process.env.S3_TEST_ENDPOINT,
          forcePathStyle: true,
          credentials: S3_KEYS,
        })
        const bucket = new URL(url).pathname.split('/')[1]
        await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: half }))
      } else {
        const path = join(dataDir, 'files', `${half}.${randomUUID()}.part`)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, words.of('half'))
      }
    }

    it('leaves no word of theirs in any table, object, key of Redis or line of a log; the books add up', async () => {
      const { ended } = await live()
      // The test looks where the words are: in an account that is there it finds nearly all, wherever they were put.
      const before = new Set((await scan(world, words.all)).map(({ word }) => word))
      const unseen = words.all
        .filter((word) => !before.has(word))
        .map((word) => /^zq([a-z]+)[0-9]{12}$/.exec(word)?.[1])
      // Where it is not seen: keys are sealed, half a file is no object, and one process tells itself what is said live.
      const hidden = ['key', 'half', 'serverheader', ...(profile === 'embedded' ? ['live'] : [])]
      expect(unseen.filter((place) => !hidden.includes(place ?? ''))).to.deep.equal([])

      const spent = await figures(user.id)
      expect((await user.delete(`/api/users/${user.id}`)).status).to.equal(204)
      expect(await ended).to.equal('aborted')
      const erased = await eventually(async () => {
        const { data } = erasures.parse((await admin.get('/api/admin/erasures')).body)
        const mine = data.find(({ userId }) => userId === user.id)
        return mine?.phase === 'done' && mine
      })
      expect(erased.error).to.equal(null)
      expect(erased.counts).to.include({ conversations: 5, files: 7 })

      // Lines about calls name host and model, for whoever has to find out what is wrong with them: logs are the operator's to let go.
      const isOfCalls = ({ where, word }: WordFound) => where === 'log' && /^zq(model|host)\d/.test(word)
      expect((await scan(world, words.all)).filter((one) => !isOfCalls(one))).to.deep.equal([])
      expect((await scanStore(world.store, fileIds)).found).to.deep.equal([])
      expect(await world.store.sweepParts(new Date(Date.now() + 3_600_000)), 'halves of uploads').to.equal(0)
      expect((await verifyLedger(world.db)).differences).to.deep.equal([])
      const kept = await figures(user.id)
      expect(kept.entries).to.be.at.least(spent.entries)
      expect(kept.entries).to.be.greaterThan(5)
      const [audit] = await world.db.query(
        'SELECT count(*)::int AS entries FROM audit_entries WHERE actor_id = $1 OR target_id = $1',
        [user.id],
      )
      expect(audit.entries).to.be.greaterThan(8)
      // The address is free, and whoever has it is somebody else.
      const again = await world.api.register(user.email)
      expect(again.id).not.to.equal(user.id)
    })

    const figures = async (userId: string): Promise<{ entries: number }> => {
      const [found] = await world.db.query('SELECT count(*)::int AS entries FROM ledger_entries WHERE user_id = $1', [
        userId,
      ])
      return found
    }
  })
}
