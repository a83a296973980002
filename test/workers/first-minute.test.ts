import { expect } from 'chai'
import { ChatspartyClient, type RunView, type StarterView } from '../../src/client/client.ts'
import { PLAYS } from '../../src/connections/demo/demo-plays.ts'
import { STARTER_KINDS } from '../../src/contract/starter-views.ts'
import { strategies } from '../../src/contract/views.ts'
import { seed } from '../../src/seed.ts'
import { ADMIN, useApp } from '../support/app.ts'

/** Everything that anybody says in a play. */
const WRITTEN = new Set(PLAYS.flatMap(({ lines }) => Object.values(lines).flat(2)))

describe('The first minute', function () {
  this.timeout(60_000)
  const app = useApp()
  const clients: ChatspartyClient[] = []
  const connected = () => {
    const client = new ChatspartyClient({ url: app.url })
    clients.push(client)
    return client
  }
  after(() => {
    for (const client of clients) client.close()
  })

  /** Begins a ready-made party and watches it to its end. */
  const watch = async (client: ChatspartyClient, { party }: StarterView) => {
    const { conversationId, runId } = await client.startParty(party)
    // By turn: a panel speaks at the same time.
    const live = new Map<number, string>()
    const spoken: string[] = []
    for await (const change of client.follow(conversationId, { untilRun: runId })) {
      if (change.type === 'turn.text') live.set(change.turn, (live.get(change.turn) ?? '') + change.text)
      if (change.type === 'turn.completed' && change.message) spoken.push(change.message.content)
    }
    const run: RunView = await client.runs.get(runId)
    return { heard: [...live.values()], spoken, run }
  }

  it('a guest sees five parties, one in each way to talk, and all of them talk to their receipts, in words written for them', async () => {
    const client = connected()
    await client.guest()
    const { data, nextCursor } = await client.starters()
    expect(data.map(({ kind }) => kind)).to.deep.equal(STARTER_KINDS)
    expect(nextCursor).to.equal(null)
    expect(new Set(data.map(({ party }) => party.strategy))).to.deep.equal(new Set(strategies))
    for (const { agents } of data) {
      for (const { avatar, color } of agents) {
        expect(avatar).to.be.a('string')
        expect(color).to.match(/^#[0-9a-f]{6}$/)
      }
    }
    for (const starter of data) {
      const { run, spoken, heard } = await watch(client, starter)
      expect(run.status, starter.kind).to.equal('completed')
      expect(run.receipt.turns, starter.kind).to.equal(starter.party.maxTurns)
      expect(Number(run.receipt.credits), starter.kind).to.be.greaterThan(0)
      expect(
        spoken.filter((words) => !WRITTEN.has(words)),
        starter.kind,
      ).to.deep.equal([])
      expect(new Set(spoken).size, starter.kind).to.equal(starter.party.maxTurns)
      expect(heard, 'live').to.have.members(spoken)
      const names = new Set(run.turns.map(({ agentId }) => agentId))
      // A supervisor may leave somebody out.
      const least = starter.party.strategy === 'supervisor' ? 2 : starter.agents.length
      expect(names.size, starter.kind).to.be.at.least(least)
    }
    expect(Number((await client.credits.balance()).available), 'a guest can see all five again and again').to.be.above(
      50,
    )
  })

  it('another question in between ends the play', async () => {
    const client = connected()
    await client.guest()
    const [debate] = (await client.starters({ limit: 1 })).data
    if (!debate) throw new Error('there is a debate')
    const { conversationId, runId } = await client.startParty({ ...debate.party, maxTurns: 2 })
    for await (const _ of client.follow(conversationId, { untilRun: runId }));
    const { agentIds } = debate.party
    const next = await client.startParty({ agentIds, conversationId, message: 'Should a startup use microservices?' })
    const said: string[] = []
    for await (const change of client.follow(conversationId, { untilRun: next.runId })) {
      if (change.type === 'turn.completed' && change.message?.runId === next.runId) said.push(change.message.content)
    }
    expect(said.filter((words) => WRITTEN.has(words))).to.deep.equal([])
    expect(said).to.have.length(6)
    expect(said.join(' ')).to.include('microservices')
  })

  it('what an administrator has taken away stays away, also when the server starts again; a party without all its agents is none', async () => {
    const admin = connected()
    await admin.login(ADMIN)
    const guest = connected()
    await guest.guest()
    const kinds = async () => (await guest.starters()).data.map(({ kind }) => kind)
    const all = (await guest.starters()).data
    const panel = all.find(({ kind }) => kind === 'panel')
    const clara = panel?.agents.find(({ name }) => name === 'Clara')
    if (!panel || !clara) throw new Error('there is a panel, and Clara is in it')
    expect((await admin.admin.offerStarter(panel.id, { offered: false })).offered).to.equal(false)
    await admin.admin.offerStarter(panel.id, { offered: false })
    await seed(app.container)
    expect(await kinds()).to.deep.equal(STARTER_KINDS.filter((kind) => kind !== 'panel'))
    expect((await admin.starters()).data.filter(({ offered }) => !offered).map(({ kind }) => kind)).to.deep.equal([
      'panel',
    ])
    const second = await guest.starters({ limit: 2 })
    expect(second.nextCursor).to.equal(second.data[1]?.id)
    expect((await guest.starters({ limit: 5, cursor: second.nextCursor ?? undefined })).data).to.have.length(2)
    expect((await admin.admin.offerStarter(panel.id, { offered: true })).offered).to.equal(true)
    expect(await kinds()).to.deep.equal([...STARTER_KINDS])
    await admin.agents.delete(clara.id)
    await seed(app.container)
    expect(await kinds()).to.deep.equal(['code_review'])
    const taken = (await admin.admin.audit({ targetId: panel.id })).data.map(({ action }) => action)
    expect(taken).to.deep.equal(['starter.offered', 'starter.removed'])
  })
})
