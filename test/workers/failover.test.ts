import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { startApp, type TestApp } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { runSql } from '../support/global-fixtures.ts'
import { Link } from '../support/link.ts'
import { QUEUES, useRedis } from '../support/redis.ts'

for (const queue of QUEUES) {
  describe(`A failover behind one name that leads to a server that only reads, queue on ${queue}`, function () {
    this.timeout(120_000)
    const redis = useRedis(queue)
    let directUrl: string
    let link: Link
    let app: TestApp
    const undo: (() => Promise<void>)[] = []

    before(async () => {
      const database = await createDatabase()
      directUrl = database.url
      undo.push(() => database.drop())
      link = await Link.open({ port: Number(new URL(directUrl).port) })
      undo.push(async () => link.close())
      const address = new URL(directUrl)
      address.port = new URL(link.url).port
      app = await startApp({ databaseUrl: address.href, env: redis.env })
      undo.push(() => app.close())
    })
    after(async () => {
      for (const step of undo.reverse()) await step()
    })

    const readOnly = (on: boolean) => {
      const name = new URL(directUrl).pathname.slice(1)
      const sql = `ALTER DATABASE ${name} SET default_transaction_read_only = ${on}`
      return runSql(directUrl, `BEGIN READ WRITE; ${sql}; COMMIT`)
    }
    const readiness = async (status: number) => {
      for (;;) {
        const answer = await app.api.get('/readyz')
        if (answer.status === status) return Object(answer.body).checks
        await delay(50)
      }
    }

    it('is a 503 with a time to come again while it lasts, and over when it is over, though no connection was cut', async () => {
      const user = await app.api.register()
      const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
      const ask = () => user.post('/api/chat', { agentId, message: 'Hello' })
      const first = await user.accept('/api/chat', { agentId, message: 'Hello' })
      await user.finished(first.runId)

      // The name leads elsewhere: every connection from now on is to a server that only reads, and stays open.
      await readOnly(true)
      link.cut()
      expect((await readiness(503)).database).to.equal('failing')
      const refused = await ask()
      expect(refused).to.deep.include({ status: 503 })
      expect(refused.headers.get('retry-after')).to.equal('2')
      expect(Object(refused.body).error.code).to.equal('database.unavailable')
      expect((await app.api.get('/healthz')).status).to.equal(200)

      await readOnly(false)
      expect((await readiness(200)).database).to.equal('ok')
      const runs = await Promise.all(Array.from({ length: 8 }, ask))
      expect(runs.map(({ status }) => status)).to.deep.equal(Array(8).fill(202))
      for (const { body } of runs) expect((await user.finished(Object(body).runId)).status).to.equal('completed')
    })
  })
}
