import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { RunAnswers } from '../../src/doors/run-answer.ts'
import type { RunStep } from '../../src/doors/run-script.ts'
import { RunEvents } from '../../src/realtime/run-events.ts'
import type { Placed } from '../../src/realtime/stream-replay.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { portOf } from '../support/link.ts'
import { CONVERSATION, NAMES, RUN, scriptedRun } from '../support/scripted-run.ts'

const PIECE = 'x'.repeat(65_536)
/** More than any buffer between here and a client takes. */
const PIECES = 4_000

describe('An answer with a run that its client does not read', () => {
  let server: Server
  let client: Socket | undefined
  afterEach(async () => {
    client?.destroy()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  it('reads on in the run only as its client does, and is given up when that reads nothing', async () => {
    const { run } = scriptedRun([], () => 0)
    let read = 0
    class Endless extends RunEvents {
      override async *[Symbol.asyncIterator](): AsyncGenerator<Placed> {
        const [turn] = scriptedRun([[{ lost: [], words: ['x'], end: 'said' }]], () => 0).happenings.slice(1)
        if (turn) yield { event: turn.event, id: 'begun' }
        for (; read < PIECES; read++) {
          const at = { conversationId: CONVERSATION, runId: RUN, turn: 0, attempt: 1, offset: read * PIECE.length }
          yield { event: { type: 'turn.delta', ...at, text: PIECE }, id: String(read) }
        }
      }
    }
    let closed = 0
    const answers = new RunAnswers({
      door: {
        run: async () => run,
        speakers: async () => new Map(NAMES),
        calls: async () => ({ calls: [], said: [] }),
      },
      streams: { follow: async () => ({ events: new Endless(), close: () => void closed++ }) },
      heartbeatMs: 20,
      logger: silentLogger,
    })
    const translator = {
      begin: () => [],
      take: (step: RunStep) => (step.type === 'turn.text' ? [step.text] : []),
    }
    const answered = Promise.withResolvers<void>()
    server = createServer((_request, res) => {
      const reader = { userId: 'somebody', sessionId: 'one' }
      answers.tell({ reader, runId: RUN, translator, res }).then(answered.resolve, answered.reject)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    client = connect(portOf(server), '127.0.0.1')
    client.pause()
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await answered.promise
    expect(read, 'pieces that were read')
      .to.be.greaterThan(0)
      .and.below(PIECES / 2)
    expect(closed, 'what was followed').to.be.greaterThan(0)
  })
})
