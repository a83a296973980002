import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { ChatspartyClient } from '../../src/client/client.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { ApiClient } from '../support/api-client.ts'
import {
  expectShownAsStored,
  figures,
  Parties,
  StreamFollower,
  seeded,
  shuffled,
  speakAtLength,
} from '../support/chaos.ts'
import { ClusterProcess, lastLines, processSettings } from '../support/cluster.ts'
import { createDatabase } from '../support/database.ts'
import { EventReader } from '../support/event-reader.ts'
import { Link } from '../support/link.ts'
import { startMockLlm } from '../support/mock-llm.ts'
import { eventually, usePace } from '../support/pace.ts'
import { flagsOf } from '../support/processes.ts'

const CUTS = { drop: 92, kill: 5, term: 3 }

describe('A client cut 100 times while the only process dies and restarts (embedded)', function () {
  this.timeout(120_000)
  usePace()
  const undo: (() => unknown)[] = []
  let embedded: ClusterProcess
  let db: DataSource

  const llm = startMockLlm()
  before(async () => {
    const database = await createDatabase()
    undo.push(() => database.drop())
    const mock = await llm
    undo.push(() => mock.stop())
    const env = { ...processSettings({ llm: mock }), DATABASE_URL: database.url, NODE_OPTIONS: await flagsOf('start') }
    embedded = new ClusterProcess('embedded', 'workers/embedded.ts', env, true)
    await embedded.start()
    undo.push(() => embedded.kill())
    db = await createDataSource({ url: database.url, entities: allEntities, poolSize: 2 }).initialize()
    undo.push(() => db.destroy())
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.log(lastLines(embedded))
  })
  after(async () => {
    for (const step of undo.reverse()) await step()
  })

  it('ends with exactly the text of the database, for every turn', async () => {
    const random = seeded(20_261_124)
    speakAtLength(await llm, random)
    const user = await new ApiClient(embedded.url).register()
    const agentIds = await Promise.all(
      ['Ada', 'Blaise'].map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })),
    )
    const link = await Link.open(embedded)
    const client = new ChatspartyClient({ url: link.url, token: user.token })
    const parties = new Parties({ client, agentIds, lanes: 3, maxTurns: 6 })
    const { screen } = parties
    await eventually(() => parties.accepted.length > 0)
    const conversationId = parties.accepted[0]?.conversationId ?? ''
    const stream = new StreamFollower(link.url, user.token, conversationId)

    const startedAt = performance.now()
    const cuts = { drop: 0, kill: 0, term: 0 }
    const recoveries: Record<keyof typeof CUTS, number[]> = { drop: [], kill: [], term: [] }
    for (const kind of shuffled(CUTS, random)) {
      await screen.changed(10_000)
      await new Promise((resolve) => setTimeout(resolve, random() * 100))
      const cutAt = performance.now()
      if (kind === 'drop') link.cut()
      else await embedded.restart(kind === 'kill' ? 'SIGKILL' : 'SIGTERM')
      cuts[kind]++
      await screen.changed(10_000)
      recoveries[kind].push(performance.now() - cutAt)
    }
    const seconds = (performance.now() - startedAt) / 1_000
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
    for (const line of [
      `cut in ${seconds.toFixed(0)} s: ${cuts.drop} transport drops, ${cuts.kill} kill -9 and ${cuts.term} SIGTERM of the process`,
      `healed: ${link.accepted} connections (${stream.opened} of an event stream), ${spokenAgain} turns taken over or handed back, ${screen.resets} texts begun anew`,
      `whole: ${screen.characters} characters of ${turns} turns in ${parties.accepted.length} runs`,
      `the next words after (median / longest, restart included): ${shown.join(', ')}`,
    ]) {
      console.log(`      ${line}`)
    }
  })
})
