import { expect } from 'chai'
import { Client } from 'pg'
import { ChatspartyClient } from '../../src/client/client.ts'
import { isTerminal, type RunView } from '../../src/contract/views.ts'
import { ApiClient, type TestUser } from '../support/api-client.ts'
import { BALANCERS, type Balancer } from '../support/balancers.ts'
import { useCluster } from '../support/cluster.ts'
import { eventually, moved, usePace } from '../support/pace.ts'
import { Screen } from '../support/screen.ts'
import { SocketTap } from '../support/socket-tap.ts'

/** As an installation has it that sets only what it must; leases that a busy machine does not let lapse. */
const env = { DRAIN_DELAY_MS: '5000', TRUST_PROXY: '1', TURN_LEASE_MS: '15000', JOB_LOCK_MS: '15000' }
const LANES = 6
const DEVICES = 4
const LONG = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '.repeat(60)

/** `fetch` says what happened only in the cause. */
const causeOf = (error: unknown): string =>
  String(error instanceof Error && error.cause !== undefined ? error.cause : error)

for (const [name, start] of Object.entries(BALANCERS)) {
  describe(`A rolling deploy under load, behind ${name} as the documents have it`, () => {
    usePace()
    const at = useCluster({ webs: 2, workers: 2, programs: [name], env })
    let balancer: Balancer
    before('start the balancer', async () => {
      balancer = await start(at.cluster.webs.map(({ port }) => port))
    })
    afterEach(function () {
      if (this.currentTest?.state === 'failed') console.log(balancer?.output)
    })
    after(() => balancer?.stop())

    it('fails no request, loses and doubles no character and no run, and moves sockets before they are cut', async () => {
      at.llm.reply('Hello.')
      const api = new ApiClient(balancer.url)
      const users = await Promise.all(Array.from({ length: LANES }, () => api.register()))
      const agentOf = (user: TestUser) => user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
      const accepted: string[] = []
      const answers = new Map<string, number>()
      let isOver = false
      /** What came of each request, by status or error. */
      const count = (what: string) => answers.set(what, (answers.get(what) ?? 0) + 1)
      const ask = async (work: Promise<{ status: number; body: unknown }>) => {
        const answer = await work.catch((error: unknown) => ({ status: 0, body: causeOf(error) }))
        count(answer.status === 0 ? String(answer.body) : String(answer.status))
        moved()
        return answer
      }
      const lane = async (user: TestUser) => {
        const agentId = await agentOf(user)
        while (!isOver) {
          const { status, body } = await ask(user.post('/api/chat', { agentId, message: 'Tea or coffee?' }))
          if (status !== 202) continue
          const { runId } = Object(body)
          accepted.push(runId)
          while (!isTerminal(Object((await ask(user.get(`/api/chat/runs/${runId}`))).body).status ?? 'queued')) {
            if (isOver) break
          }
        }
      }

      // One long turn, watched by all devices through the balancer, from before the first restart until after the last.
      const watcher = await api.register()
      at.llm.reply({ text: LONG, paceMs: 60, chunkSize: 16, when: { text: 'At length, please.' } })
      const { runId, conversationId } = await watcher.accept('/api/chat', {
        agentId: await agentOf(watcher),
        message: 'At length, please.',
      })
      const devices = Array.from(
        { length: DEVICES },
        () => new ChatspartyClient({ url: balancer.url, token: watcher.token }),
      )
      const screens = devices.map(() => new Screen())
      let pause = 0
      const following = devices.map(async (device, i) => {
        let seenAt: number | undefined
        for await (const change of device.follow(conversationId, { untilRun: runId })) {
          screens[i]?.show(change)
          if (change.type !== 'turn.text') continue
          if (seenAt !== undefined) pause = Math.max(pause, performance.now() - seenAt)
          seenAt = performance.now()
        }
      })
      const tap = new SocketTap(balancer.url, watcher.token)
      await tap.connected()
      const lanes = users.map(lane)
      await eventually(() => accepted.length > LANES)

      const before = pause
      for (const web of at.cluster.webs) await web.restart('SIGTERM')
      const told = tap.received.filter(({ type }) => type === 'server.draining')
      expect(told.length, 'a socket is told before it is cut').to.be.at.least(1)
      expect(told[0]?.payload).to.deep.include({ reconnectWithinMs: 2_500 })
      const webs = Object.fromEntries(answers)
      await Promise.all(following)
      for (const screen of screens) {
        expect(screen.completed.map(({ text }) => text)).to.deep.equal([LONG])
      }

      for (const worker of at.cluster.workers) await worker.restart('SIGTERM')
      isOver = true
      await Promise.all(lanes)
      for (const device of devices) device.close()
      tap.close()
      const total = [...answers.values()].reduce((sum, n) => sum + n, 0)
      console.log(
        `      ${total} requests (${JSON.stringify(webs)} while the webs restarted), ${accepted.length} runs; longest pause of a watcher ${pause.toFixed(0)} ms, before any restart ${before.toFixed(0)} ms`,
      )
      expect(Object.keys(Object.fromEntries(answers)).sort()).to.deep.equal(['200', '202'])

      const db = new Client({ connectionString: at.databaseUrl })
      await db.connect()
      const state = async (): Promise<
        { status: RunView['status']; count: number; attempts: number; failures: number }[]
      > =>
        (
          await db.query(
            `SELECT r.status, count(DISTINCT r.id)::int AS count, max(t.attempt) AS attempts, sum(t.failures)::int AS failures
             FROM runs r JOIN turns t ON t.run_id = r.id GROUP BY r.status`,
          )
        ).rows
      await eventually(async () => (await state()).every(({ status }) => isTerminal(status)))
      const [only, ...others] = await state()
      await db.end()
      expect(others).to.deep.equal([])
      expect(only).to.deep.include({ status: 'completed', count: accepted.length + 1, failures: 0 })
    })
  })
}
