import { HttpAgent, type ResumeEntry } from '@ag-ui/client'
import { HttpAgent as OlderHttpAgent } from 'ag-ui-client-0.0.59'
import { expect } from 'chai'
import { z } from 'zod'
import { newId } from '../../src/shared/ids.ts'
import type { TestUser } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { eventually } from '../support/pace.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { answered, asksFor, by, usePartyWorld } from '../workers/party-world.ts'

/** What this suite needs of a client, whatever its version. */
interface Client {
  messages: Array<{ id: string; role: string; name?: string; content?: unknown; toolCalls?: unknown[] }>
  runAgent(
    parameters: { runId?: string; forwardedProps?: unknown; resume?: ResumeEntry[] },
    subscriber: { onEvent(params: { event: { type: string } }): void },
  ): Promise<{ result: unknown; newMessages: unknown[] }>
  abortRun(): void
}
interface ClientConfig {
  url: string
  headers: Record<string, string>
  threadId: string
}
/** 1.0, and the version that CopilotKit pins. Both judge every event before it is applied. */
const CLIENTS: Record<string, (config: ClientConfig) => Client> = {
  '1.0.0': (config) => new HttpAgent(config),
  '0.0.59': (config) => new OlderHttpAgent(config),
}

/** The clients write their errors to the console too. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { error } = console
  console.error = () => {}
  try {
    return await work()
  } finally {
    console.error = error
  }
}

const event = z.looseObject({ type: z.string() })
type SeenEvent = z.output<typeof event>
const interrupt = z.looseObject({ id: z.guid(), toolCallId: z.string(), responseSchema: z.unknown() })
const LOST = 'This will never be heard of again. '.repeat(8)
const WORDS = 'The quick brown fox jumps over the lazy dog.'

for (const profile of QUEUES) {
  describe(`AG-UI, queue on ${profile}`, function () {
    this.timeout(30_000)
    const redis = useRedis(profile)
    const world = usePartyWorld(async () => ({ env: { ...redis.env, TURN_MAX_ATTEMPTS: '2' } }))

    for (const [version, create] of Object.entries(CLIENTS)) {
      describe(`its client ${version}`, () => {
        /** A client that is signed in, says things, and notes the events that it took. */
        const clientOf = (user: TestUser, threadId: string = newId(), query = '') => {
          const headers = { authorization: `Bearer ${user.token}` }
          const client = create({ url: `${world.app.url}/api/ag-ui${query}`, headers, threadId })
          const seen: SeenEvent[] = []
          let begun = () => {}
          const said = new Promise<void>((resolve) => {
            begun = resolve
          })
          const run = (forwardedProps?: unknown, runId?: string, resume?: ResumeEntry[]) =>
            client.runAgent(
              { runId, forwardedProps, ...(resume && { resume }) },
              {
                onEvent: ({ event: one }) => {
                  seen.push(event.parse(one))
                  if (one.type === 'TEXT_MESSAGE_CONTENT') begun()
                },
              },
            )
          const say = (content: string, forwardedProps?: unknown, runId?: string) => {
            client.messages.push({ id: newId(), role: 'user', content })
            return run(forwardedProps, runId)
          }
          const started = () =>
            z.object({ metadata: z.object({ conversationId: z.guid(), runId: z.guid() }) }).parse(seen[0]).metadata
          return { client, threadId, seen, run, say, started, said, types: () => seen.map(({ type }) => type) }
        }
        const linesOf = (messages: Client['messages']) =>
          messages.map(({ role, name, content }) => [role === 'user' ? null : name, content])
        /** What the client shows is what the database has. */
        const expectSame = async (user: TestUser, conversationId: string, { messages }: Client) => {
          const stored = await user.messages(conversationId)
          expect(linesOf(messages)).to.deep.equal(stored.map(({ agentName, content }) => [agentName, content]))
        }

        it('an agent answers by its name; the thread goes on where it was', async () => {
          const { user, agentIds } = await world.guests(['Ada'])
          world.llm.replyOnce({ text: WORDS }).replyOnce('And again.')
          const { client, say, started, types } = clientOf(user)
          const { result } = await say('Hello', { agentId: agentIds[0] })
          expect(types()).to.deep.include.members(['RUN_STARTED', 'STEP_STARTED', 'STEP_FINISHED', 'RUN_FINISHED'])
          expect(result).to.deep.include({ status: 'completed', stopReason: 'finished' })
          const { conversationId, runId } = started()
          await expectSame(user, conversationId, client)
          await expectSettledOnce(world.app.container.db, runId)
          // Nobody is named: whoever was spoken with.
          await say('Go on')
          await expectSame(user, conversationId, client)
          expect(linesOf(client.messages).at(-1)).to.deep.equal(['Ada', 'And again.'])
          expect(world.llm.requests).to.have.length(2)
        })

        it('a model may be named by the address', async () => {
          const { user } = await world.guests(['Zoe'])
          world.llm.reply('I am.')
          const { client, say } = clientOf(user, newId(), '?model=Zoe')
          await say('Are you Zoe?')
          expect(linesOf(client.messages).at(-1)).to.deep.equal(['Zoe', 'I am.'])
        })

        it('a party speaks in turns, each under its name', async () => {
          const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
          world.llm.reply({ text: WORDS })
          const { client, say, started } = clientOf(user)
          await say('Tea or coffee?', { agentIds, maxTurns: 4 })
          expect(linesOf(client.messages).map(([name]) => name)).to.deep.equal([null, 'Ada', 'Blaise', 'Ada', 'Blaise'])
          await expectSame(user, started().conversationId, client)
        })

        it('a panel speaks at the same time, in messages that are open at the same time', async () => {
          const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
          const holds = ['Ada', 'Blaise'].map((name) => {
            const hold = world.llm.hold(2)
            world.llm.reply({ when: by(name), times: 1, text: `${name}: ${WORDS}`, hold })
            return hold
          })
          world.llm.reply('They agree.')
          const { client, say, seen, started } = clientOf(user)
          const done = say('Is it safe?', { agentIds, strategy: 'panel' })
          await Promise.all(holds.map(({ reached }) => reached))
          for (const hold of holds) hold.release()
          await done
          const opened = seen.findIndex(({ type }) => type === 'TEXT_MESSAGE_END')
          const before = seen.slice(0, opened).filter(({ type }) => type === 'TEXT_MESSAGE_START')
          expect(before.map(({ name }) => name)).to.have.members(['Ada', 'Blaise'])
          const stored = await user.messages(started().conversationId)
          const contents = (lines: Array<{ content?: unknown }>) => lines.map(({ content }) => content)
          expect(contents(client.messages)).to.have.members(contents(stored))
        })

        it('a turn that is tried again takes its words back', async () => {
          const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
          const hold = world.llm.hold(5)
          world.llm
            .reply({ when: by('Ada'), text: WORDS })
            .reply({ when: by('Blaise'), times: 1, text: LOST, hold, cutAfter: 7 })
            .reply({ when: by('Blaise'), text: 'Once more.' })
          const { client, say, types, started } = clientOf(user)
          const done = say('Tea or coffee?', { agentIds, maxTurns: 2 })
          await hold.reached
          await eventually(() => client.messages.some(({ name, content }) => name === 'Blaise' && content !== ''))
          hold.release()
          await done
          expect(types().filter((type) => type === 'MESSAGES_SNAPSHOT')).to.have.length(1)
          expect(linesOf(client.messages)).to.deep.equal([
            [null, 'Tea or coffee?'],
            ['Ada', WORDS],
            ['Blaise', 'Once more.'],
          ])
          await expectSame(user, started().conversationId, client)
          await expectSettledOnce(world.app.container.db, started().runId)
        })

        it('a run that fails says why, with its code', async () => {
          const { user, agentIds } = await world.guests(['Ada'])
          world.llm.reply({ status: 401 })
          const { seen, say } = clientOf(user)
          await say('Hello', { agentId: agentIds[0] }).catch(() => {})
          expect(seen.at(-1)).to.deep.include({ type: 'RUN_ERROR', code: 'provider.unauthorized' })
        })

        it('what cannot be accepted is an error of HTTP, in the words of the API', async () => {
          const { user } = await world.guests([])
          const { say, seen } = clientOf(user)
          const error = await quietly(() => say('Hello', { model: 'Nobody' }).then(() => undefined, Object))
          expect(error).to.nested.include({ status: 404, 'payload.error.code': 'model.not_found' })
          expect(seen).to.deep.equal([])
        })

        it('a run that is cancelled keeps what was said', async () => {
          const { user, agentIds } = await world.guests(['Ada'])
          const hold = world.llm.hold(3)
          world.llm.reply({ text: WORDS, hold })
          const threadId = newId()
          const { client, say, seen, said, started } = clientOf(user, threadId)
          const done = say('Hello', { agentId: agentIds[0] })
          await hold.reached
          await said
          const { status, body } = await user.post('/api/ag-ui/cancel', { threadId })
          expect(status).to.equal(200)
          expect(body).to.include({ status: 'cancelled' })
          await done
          const outcome = version === '1.0.0' ? { outcome: { type: 'cancelled' } } : {}
          expect(seen.at(-1)).to.deep.include({ type: 'RUN_FINISHED', ...outcome })
          await expectSame(user, started().conversationId, client)
          expect((await user.post('/api/ag-ui/cancel', { threadId })).status, 'nothing is under way').to.equal(204)
        })

        it('a client that goes away stops nothing', async () => {
          const { user, agentIds } = await world.guests(['Ada'])
          const hold = world.llm.hold(3)
          world.llm.reply({ text: WORDS, hold })
          const { client, say, said, started } = clientOf(user)
          const done = say('Hello', { agentId: agentIds[0] }).catch(() => {})
          await hold.reached
          await said
          client.abortRun()
          await done
          hold.release()
          expect(await user.finished(started().runId)).to.include({ status: 'completed' })
        })

        it('what an agent asks for interrupts the run; answered, the same goes on, without saying anything twice', async () => {
          const { user, agentIds } = await world.guests(['Ada'])
          await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
          world.llm.reply(answered('So it is.')).reply(asksFor('6 * 7', 'May I?'))
          const { client, say, run, seen, started, types } = clientOf(user)
          await say('How much is it?', { agentId: agentIds[0] })
          const { conversationId, runId } = started()
          const [asked] = z.array(interrupt).parse(Object(seen.at(-1)).outcome?.interrupts)
          expect(Object(seen.at(-1)).outcome.type).to.equal('interrupt')
          expect(asked).to.deep.include({ reason: 'tool_call', message: 'Ada asks to use Calculator.' })
          expect(asked?.responseSchema).to.deep.nested.include({ 'properties.editedArgs.type': 'object' })
          const call = { id: asked?.toolCallId, type: 'function' }
          const [, question] = client.messages
          expect(question).to.deep.include({ name: 'Ada', content: 'May I?' })
          expect(question?.toolCalls?.[0]).to.deep.include(call)
          const refused = await quietly(() => say('Well?').then(() => undefined, Object))
          expect(String(Object(refused).message)).to.match(/awaits_decision|pending interrupt/)
          client.messages = client.messages.slice(0, 2)
          seen.length = 0
          const payload = { approved: true, editedArgs: { expression: '2 + 2' } }
          await run(undefined, newId(), [{ interruptId: asked?.id ?? '', status: 'resolved', payload }])
          expect(started()).to.deep.equal({ conversationId, runId })
          const told = types().filter((type) => type !== 'TEXT_MESSAGE_CONTENT')
          expect(told).to.have.members([
            ...['RUN_STARTED', 'TOOL_CALL_RESULT', 'STEP_STARTED', 'TEXT_MESSAGE_START', 'TEXT_MESSAGE_END'],
            ...['STEP_FINISHED', 'RUN_FINISHED'],
          ])
          const result = seen.find(({ type }) => type === 'TOOL_CALL_RESULT')
          expect(result).to.deep.include({ toolCallId: asked?.toolCallId, content: '4' })
          expect(client.messages.map(({ role }) => role)).to.deep.equal(['user', 'assistant', 'tool', 'assistant'])
          const [, stored] = await user.messages(conversationId)
          const texts = client.messages.flatMap(({ role, content }) => (role === 'assistant' ? [content] : []))
          expect(texts.join('')).to.equal(stored?.content)
          await expectSettledOnce(world.app.container.db, runId)
        })

        it('a request that comes twice is accepted once', async () => {
          const { user, agentIds } = await world.guests(['Ada'])
          world.llm.reply(WORDS)
          const threadId = newId()
          const first = clientOf(user, threadId)
          await first.say('Hello', { agentId: agentIds[0] }, 'run-1')
          const again = clientOf(user, threadId)
          again.client.messages.push(...first.client.messages.slice(0, 1))
          await again.run({ agentId: agentIds[0] }, 'run-1')
          expect(again.started()).to.deep.equal(first.started())
          expect(linesOf(again.client.messages)).to.deep.equal(linesOf(first.client.messages))
          expect(world.llm.requests).to.have.length(1)
        })

        // It is in the rows, wherever the queue is.
        if (profile !== QUEUES[0]) return

        it('what is said while an agent talks that asks then leaves nobody hanging: it is told what is asked before it, and goes on by answering that', async () => {
          const { user, agentIds } = await world.guests(['Ada'])
          await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
          const hold = world.llm.hold()
          world.llm.reply(answered('So it is.')).reply({ ...asksFor('6 * 7', 'May I?'), hold })
          const first = clientOf(user)
          const asking = first.say('How much is it?', { agentId: agentIds[0] })
          await hold.reached
          const second = clientOf(user, first.threadId)
          const waiting = second.say('And then?')
          await eventually(() => second.seen.length > 0)
          hold.release()
          await asking
          await waiting
          const [{ conversationId, runId }, own] = [first.started(), second.started()]
          expect(own).to.include({ conversationId }).and.not.include({ runId })
          const end = Object(second.seen.at(-1))
          expect(end).to.deep.include({ type: 'RUN_FINISHED' }).and.nested.include({ 'result.status': 'pending' })
          expect(end.outcome.interrupts).to.deep.equal(Object(first.seen.at(-1)).outcome.interrupts)
          world.llm.reply({ when: { text: 'And then?' }, text: 'Then tea.' })
          second.seen.length = 0
          const [asked] = z.array(interrupt).parse(end.outcome.interrupts)
          const interruptId = asked?.id ?? ''
          await second.run(undefined, newId(), [{ interruptId, status: 'resolved', payload: { approved: false } }])
          // Its words are said already, and not once more.
          expect(second.started()).to.deep.equal(own)
          expect(linesOf(second.client.messages)).to.deep.equal([
            [null, 'And then?'],
            ['Ada', 'Then tea.'],
          ])
          const said = (await user.messages(conversationId)).filter(({ role }) => role === 'user')
          expect(said.map(({ content }) => content)).to.deep.equal(['How much is it?', 'And then?'])
        })
      })
    }
  })
}
