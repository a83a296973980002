import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { ApiClient, TestUser } from '../support/api-client.ts'
import { ClusterProcess, lastLines, processSettings, useCluster } from '../support/cluster.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { eventually, usePace } from '../support/pace.ts'
import { type PreviousRelease, unpackPreviousRelease } from '../support/previous-release.ts'
import { flagsOf } from '../support/processes.ts'
import { skip } from '../support/programs.ts'

const GUESTS = ['Ada', 'Blaise']
const RELEASES = ['before', 'this'] as const
type Release = (typeof RELEASES)[number]

describe('The release before, on the database of this one', () => {
  usePace()
  // Uploads of either are read by both.
  const folder = join(tmpdir(), `previous-release-files-${randomUUID()}`)
  const env = { DATA_DIR: folder }
  // Migrated and seeded by this release, as `release` does it before any of its processes start.
  const at = useCluster({ webs: 1, workers: 1, env })
  const older: ClusterProcess[] = []
  let release: PreviousRelease | undefined
  let db: DataSource
  before('unpack and start it', async function () {
    this.timeout(60_000)
    const found = await unpackPreviousRelease()
    if (typeof found === 'string') return skip(this, found)
    release = found
    const shared = { ...processSettings({ llm: at.llm, env }), DATABASE_URL: at.databaseUrl, REDIS_URL: at.redis.url }
    const make = async (name: 'web' | 'worker', entry: string) => {
      const settings = { ...shared, NODE_OPTIONS: await flagsOf(name) }
      return new ClusterProcess(`${name} before`, found.entry(entry), settings, name === 'web')
    }
    older.push(await make('web', 'src/server.ts'), await make('worker', 'workers/main.ts'))
    await Promise.all(older.map((one) => one.start()))
    db = await createDataSource({ url: at.databaseUrl, entities: allEntities, poolSize: 2 }).initialize()
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') for (const one of older) console.log(lastLines(one))
  })
  after(async () => {
    await db?.destroy()
    await Promise.all(older.map((one) => one.kill('SIGKILL')))
    await release?.remove()
    await rm(folder, { recursive: true, force: true })
  })

  const [web, worker] = [0, 1]
  const process = (of: Release, kind: number): ClusterProcess => {
    const found = of === 'before' ? older[kind] : kind === web ? at.cluster.web(0) : at.cluster.worker(0)
    if (!found) throw new Error('there is no such process')
    return found
  }
  /** The same person through the web process of a release. */
  const through = (user: TestUser, of: Release) =>
    new TestUser(new ApiClient(process(of, web).url), { user: { id: user.id, email: user.email }, token: user.token })
  const someone = async (of: Release) => {
    const user = await new ApiClient(process(of, web).url).register()
    const agentIds = await Promise.all(
      GUESTS.map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })),
    )
    return { user, agentIds }
  }
  const party = (user: TestUser, agentIds: string[], maxTurns = 4, strategy = 'round_robin') =>
    user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns, strategy })

  for (const one of RELEASES) {
    const both = `asked through the web process of ${one === 'before' ? 'the one before' : 'this one'} while both run`

    it(`parties of every strategy are finished, ${both}`, async () => {
      at.llm.reset()
      const { user, agentIds } = await someone(one)
      for (const strategy of ['round_robin', 'supervisor', 'mention', 'handoff', 'panel']) {
        const { runId } = await party(user, agentIds, 3, strategy)
        const run = await user.finished(runId)
        expect(run, strategy).to.include({ status: 'completed' })
        await expectSettledOnce(db, runId)
      }
    })

    it(`a stop ends what speaks, ${both}`, async () => {
      at.llm.reset()
      const { user, agentIds } = await someone(one)
      const hold = at.llm.hold(2)
      at.llm.reply({ text: 'Words that are never finished, for they are held.', hold })
      const { runId } = await party(user, agentIds)
      const request = await hold.reached
      await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
      expect(await request.ended).to.equal('aborted')
      hold.release()
      expect(await user.finished(runId)).to.include({ status: 'cancelled' })
      await expectSettledOnce(db, runId)
    })

    it(`an upload is read and spoken about, ${both}`, async () => {
      at.llm.reset()
      const { user, agentIds } = await someone(one)
      const fileId = await user.upload('tea.txt', 'text/plain', 'The tea of Assam is strong.')
      expect(await user.fileSettled(fileId)).to.include({ status: 'ready' })
      const [agentId] = agentIds
      const { runId } = await user.accept('/api/chat', { agentId, message: 'What tea?', fileIds: [fileId] })
      expect(await user.finished(runId)).to.include({ status: 'completed' })
      expect(at.llm.requests.some(({ body }) => JSON.stringify(body).includes('Assam'))).to.equal(true)
      await expectSettledOnce(db, runId)
    })
  }

  // Their names in Redis may differ: then each release has a queue of its own, and what one leaves comes to the other by the rows.
  for (const dying of RELEASES) {
    it(`what ${dying === 'before' ? 'the one before' : 'this one'} leaves when it is killed, the other finishes`, async () => {
      at.llm.reset()
      const serving = dying === 'before' ? 'this' : 'before'
      const { user, agentIds } = await someone(dying)
      // So many that each worker has some.
      const hold = at.llm.hold(2)
      at.llm.reply({ text: 'So many words, and somebody dies while they are said.', hold })
      const accepted = await Promise.all([1, 2, 3, 4, 5, 6].map(() => party(user, agentIds)))
      await eventually(async () => {
        const [{ count } = { count: 0 }] = await db.query(
          `SELECT count(*)::int FROM turns WHERE status = 'running' AND run_id = ANY($1)`,
          [accepted.map(({ runId }) => runId)],
        )
        return count === accepted.length
      })
      await Promise.all([process(dying, web).kill('SIGKILL'), process(dying, worker).kill('SIGKILL')])
      at.llm.reply('Said to its end.')
      hold.release()
      const there = through(user, serving)
      for (const { runId } of accepted) {
        expect(await there.finished(runId)).to.include({ status: 'completed' })
        await expectSettledOnce(db, runId)
      }
      await Promise.all([process(dying, web).start(), process(dying, worker).start()])
      const { runId } = await party(through(user, dying), agentIds)
      expect(await there.finished(runId)).to.include({ status: 'completed' })
    })
  }
})
