import { expect } from 'chai'
import { isTerminal } from '../../src/contract/views.ts'
import type { TestUser } from '../support/api-client.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { commandsDuring } from '../support/redis-monitor.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { QUIET, said, useStatementCounter } from '../support/statement-counter.ts'
import { isDecision, usePartyWorld } from './party-world.ts'

// Round trips are the unit of cost; their number does not depend on how fast the machine is.
const POST_STATEMENTS = 4
const TURN_STATEMENTS = 14
const TURN_TRANSACTIONS = 4
const FURTHER_TURN_STATEMENTS = 9
const SUPERVISED_TURN_STATEMENTS = 10
const TURN_REDIS_COMMANDS = 20

for (const profile of QUEUES) {
  describe(`What a turn costs in round trips, queue on ${profile}`, () => {
    const counter = useStatementCounter()
    const redis = useRedis(profile)
    const world = usePartyWorld(async () => ({ env: { ...QUIET, ...redis.env } }))

    /** Without a worker, whose claim would be counted too. */
    const alone = usePartyWorld(async () => ({
      worker: false,
      env: { ...QUIET, ...redis.env, REDIS_PREFIX: 'alone' },
    }))

    /** A conversation that was begun, and how to say more in it and wait for what comes of it. */
    const conversation = async (names: string[]) => {
      world.llm.reply('A measured answer.')
      const { user, agentIds } = await world.guests(names)
      const [agentId] = agentIds
      const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Hello.' })
      await user.finished(runId)
      const say =
        (maxTurns: number, more: object = {}) =>
        () =>
          sayAndHear(user, { conversationId, agentIds, maxTurns, ...more })
      return { user, say }
    }
    const sayAndHear = async (
      user: TestUser,
      { conversationId, agentIds, ...more }: { conversationId: string; agentIds: string[]; maxTurns: number },
    ) => {
      const over = Promise.withResolvers<void>()
      const unsubscribe = await world.app.container.feed.subscribe(conversationId, (event) => {
        if ('run' in event && isTerminal(event.run.status)) over.resolve()
      })
      const single = agentIds.length === 1
      const body = single ? { agentId: agentIds[0] } : { agentIds, ...more }
      await user.accept(single ? '/api/chat' : '/api/chat/multi-agent', { ...body, conversationId, message: 'Tea?' })
      await over.promise
      await unsubscribe()
    }

    it(`one agent's turn, from the POST to its end: at most ${TURN_STATEMENTS} statements in ${TURN_TRANSACTIONS} transactions`, async () => {
      const { say } = await conversation(['Ada'])
      const count = await counter.during(say(1))
      expect(count.statements.length, said(count)).to.be.within(4, TURN_STATEMENTS)
      expect(count.transactions, said(count)).to.be.within(2, TURN_TRANSACTIONS)
    })

    it(`each further turn of a party: at most ${FURTHER_TURN_STATEMENTS}`, async () => {
      const { say } = await conversation(['Ada', 'Blaise'])
      const two = await counter.during(say(2))
      const six = await counter.during(say(6))
      const further = (six.statements.length - two.statements.length) / 4
      expect(further, said(six)).to.be.within(2, FURTHER_TURN_STATEMENTS)
    })

    it(`a supervised turn: at most ${SUPERVISED_TURN_STATEMENTS}, and its decision is one of them`, async () => {
      const { say } = await conversation(['Ada', 'Blaise'])
      world.llm.reply({ when: { match: isDecision }, text: '{"next":"Ada"}' })
      const count = await counter.during(say(1, { strategy: 'supervisor' }))
      expect(count.statements.length, said(count)).to.be.within(4, SUPERVISED_TURN_STATEMENTS)
      const decision = count.statements.findIndex((text) => text.includes('turn_decide'))
      expect(decision, said(count)).to.be.greaterThan(0)
      const around = [count.statements[decision - 1], count.statements[decision + 1]]
      for (const text of around) expect(text, said(count)).to.not.match(/START TRANSACTION|BEGIN|COMMIT/i)
    })

    it(`a POST: at most ${POST_STATEMENTS}, also with a key, in a conversation, and into a run that goes on`, async () => {
      const { user, agentIds } = await alone.guests(['Ada', 'Blaise'])
      let conversationId: string | undefined
      for (const body of [{}, { onBusy: 'interject' }, { onBusy: 'enqueue' }]) {
        const count = await counter.during(async () => {
          const key = { 'idempotency-key': `key-${JSON.stringify(body).length}` }
          const request = { agentIds, conversationId, maxTurns: 1, message: 'Tea?', ...body }
          conversationId = (await user.accept('/api/chat/multi-agent', request, key)).conversationId
        })
        expect(count.statements.length, said(count)).to.be.within(2, POST_STATEMENTS)
      }
    })

    if (profile === 'Redis') {
      it(`Redis: at most ${TURN_REDIS_COMMANDS} commands of our own a turn`, async () => {
        const { say } = await conversation(['Ada'])
        const commands = await commandsDuring(redis.server?.port ?? 0, say(1))
        const own = commands.filter(
          (command) =>
            !command.includes('bull') &&
            !/"chatsparty:[^:]+:\{\w+\.(turns|files|chores|webhooks)[a-z-]*\}:/.test(command),
        )
        expect(own.length, own.join('\n')).to.be.within(3, TURN_REDIS_COMMANDS)
      })
    }
  })
}

describe('What a watched conversation costs in which nothing happens', () => {
  const counter = useStatementCounter()
  const world = usePartyWorld({ env: { ...QUIET, VERSION_POLL_MS: '100' } })

  it('nothing, but for one statement a poll for all of them together', async () => {
    world.llm.reply('Hello.')
    const { user, agentIds } = await world.guests(['Ada'])
    const tap = await new SocketTap(world.app.url, user.token).connected()
    for (let n = 0; n < 5; n++) {
      const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Hello?' })
      await user.finished(runId)
      expect(await tap.ask('conversation.join', { conversationId })).to.deep.include({ ok: true })
    }
    const polls: string[] = []
    const count = await counter.during(async () => {
      const { conversationRepository } = world.app.container
      const asked = conversationRepository.versions.bind(conversationRepository)
      const five = Promise.withResolvers<void>()
      conversationRepository.versions = (ids) => {
        polls.push(ids.join())
        if (polls.length === 5) five.resolve()
        return asked(ids)
      }
      await five.promise
    })
    tap.close()
    const [watched, others] = ['conversations', 'sessions'].map((table) =>
      count.statements.filter((text) => text.includes(`FROM ${table}`)),
    )
    expect(watched?.length, said(count)).to.be.within(1, 6)
    // Open connections have their sessions looked at, all in one statement too.
    expect(others?.length, said(count)).to.be.within(1, 6)
    expect(count.statements.length, said(count)).to.equal((watched?.length ?? 0) + (others?.length ?? 0))
  })
})
