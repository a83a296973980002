import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { ChatspartyClient } from '../../src/client/client.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import {
  expectShownAsStored,
  figures,
  Parties,
  StreamFollower,
  seeded,
  shuffled,
  speakAtLength,
} from '../support/chaos.ts'
import { type ClusterProcess, useCluster } from '../support/cluster.ts'
import { EventReader } from '../support/event-reader.ts'
import { Link } from '../support/link.ts'
import { eventually, usePace } from '../support/pace.ts'

const CUTS = { drop: 45, move: 40, web: 7, redis: 5, worker: 3 }

describe('A client cut 100 times while web nodes, workers and Redis die (distributed)', function () {
  this.timeout(120_000)
  usePace()
  const at = useCluster({ webs: 2, workers: 2 })
  let db: DataSource
  before(async () => {
    db = await createDataSource({ url: at.databaseUrl, entities: allEntities, poolSize: 2 }).initialize()
  })
  after(() => db?.destroy())

  it('ends with exactly the text of the database, for every turn', async () => {
    const random = seeded(20_261_123)
    speakAtLength(at.llm, random)
    const { cluster, redis } = at
    const user = await cluster.api().register()
    const agentIds = await Promise.all(
      ['Ada', 'Blaise'].map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })),
    )
    const link = await Link.open(cluster.web(0))
    const client = new ChatspartyClient({ url: link.url, token: user.token })
    const parties = new Parties({ client, agentIds, lanes: 3, maxTurns: 6 })
    const { screen } = parties
    await eventually(() => parties.accepted.length > 0)
    const conversationId = parties.accepted[0]?.conversationId ?? ''
    const stream = new StreamFollower(link.url, user.token, conversationId)

    const startedAt = performance.now()
    const recoveries: Record<keyof typeof CUTS, number[]> = { drop: [], move: [], web: [], redis: [], worker: [] }
    const workerKills: number[] = []
    const cuts = { drop: 0, move: 0, web: 0, redis: 0, worker: 0 }
    let flushes = 0
    const returning = new Map<ClusterProcess, Promise<void>>()
    const kill = async (dying: ClusterProcess) => {
      await dying.kill('SIGKILL')
      returning.set(dying, dying.start())
    }
    const other = () => (link.target === cluster.web(0) ? cluster.web(1) : cluster.web(0))
    const act: Record<keyof typeof CUTS, () => Promise<void>> = {
      drop: async () => link.cut(),
      move: async () => {
        await returning.get(other())
        link.moveTo(other())
      },
      web: async () => {
        await returning.get(other())
        const dying = link.target === cluster.web(0) ? cluster.web(0) : cluster.web(1)
        await kill(dying)
        link.moveTo(other())
      },
      redis: () => (flushes++ % 2 ? redis.flush() : redis.restart()),
      worker: async () => {
        await Promise.all(cluster.workers.map((worker) => returning.get(worker)))
        await kill(cluster.worker(cuts.worker % 2))
        workerKills.push(performance.now())
      },
    }
    for (const kind of shuffled(CUTS, random)) {
      // Only a client that is there again can be cut again.
      await screen.changed(10_000)
      await new Promise((resolve) => setTimeout(resolve, random() * 100))
      await act[kind]()
      cuts[kind]++
      const cutAt = performance.now()
      await screen.changed(10_000)
      recoveries[kind].push(performance.now() - cutAt)
    }
    const seconds = (performance.now() - startedAt) / 1_000
    await Promise.all(returning.values())
    await parties.stop()
    const followed = parties.accepted.filter((accepted) => accepted.conversationId === conversationId)
    await stream.until(followed.map(({ runId }) => runId))
    client.close()
    link.close()

    expect(cuts).to.deep.equal(CUTS)
    const { turns, spokenAgain } = await expectShownAsStored(db, parties)
    const streamed = Object.fromEntries(EventReader.turnsOf(stream.events))
    const inConversation = screen.completed.filter(({ runId }) => followed.some((run) => run.runId === runId))
    expect(streamed).to.deep.equal(
      Object.fromEntries(inConversation.map((one) => [`${one.runId}:${one.turn}`, one.text])),
    )
    const messages = EventReader.messagesOf(stream.events)
    expect(messages).to.have.length(new Set(messages).size)
    const shown = Object.entries(recoveries).map(([kind, durations]) => `${kind} ${figures(durations)}`)
    const takeovers = workerKills.flatMap((killedAt) => {
      const next = screen.retaken.find((at) => at > killedAt)
      return next === undefined || next - killedAt > 15_000 ? [] : [next - killedAt]
    })
    for (const line of [
      `cut in ${seconds.toFixed(0)} s: ${cuts.drop} transport drops, ${cuts.move} moves to another web node,`,
      `  ${cuts.web} web kill -9, ${cuts.redis} Redis restarts or FLUSHALLs, ${cuts.worker} worker kill -9`,
      `healed: ${link.accepted} connections (${stream.opened} of an event stream), ${spokenAgain} turns taken over, ${screen.resets} texts begun anew`,
      `whole: ${screen.characters} characters of ${turns} turns in ${parties.accepted.length} runs`,
      `the next words after (median / longest): ${shown.join(', ')}`,
      `a killed worker's turn speaks again after (median / longest): ${figures(takeovers)}`,
    ]) {
      console.log(`      ${line}`)
    }
  })
})
