import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { WireReply, WireRequest } from '../support/wire-server.ts'
import { useField } from './field-world.ts'
import { alternates, C, completion, D, F, refused, U } from './wires.ts'

const ROOT = join(import.meta.dirname, '..', '..')

const failed = (message: string): WireReply => refused(500, message, { code: 500, type: 'server_error' })
const NAMES = ['Clara', 'Blaise', 'Ada']
const speakerOf = ({ messages }: WireRequest): string =>
  /You are (Ada|Blaise|Clara)[.,]/.exec(messages[0]?.text ?? '')?.[1] ?? '?'

/** As llama-server with Gemma's template: no system message, both sides in turn, the user last. */
function strict(request: WireRequest): WireReply | undefined {
  if (request.messages[0]?.role === 'system') return failed('Value is not callable: System role not supported')
  return alternates(request) ? undefined : failed('Conversation roles must alternate user/assistant')
}

/** As a model that thinks aloud, and says its name before its words. */
const thinking = (request: WireRequest): WireReply | string => {
  const text = `<think>\nWhat would ${speakerOf(request)} say? A secret plan.\n</think>\n\n${speakerOf(request)}: Tea, said ${speakerOf(request)}.`
  return request.stream
    ? `${C({ role: 'assistant', content: '' })}${[...text].map((sign) => C(sign)).join('')}${F('stop')}${U}${D}`
    : { body: completion('<think>Hm.</think>{"next":"Ada"}') }
}

describe('npm run demo with a model of one\u2019s own', function () {
  this.timeout(60_000)
  const field = useField()
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'demo-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const demo = async (...args: string[]) => {
    const child = spawn(
      process.execPath,
      [join(ROOT, 'src', 'client', 'demo.ts'), 'Tea or coffee?', '--url', field.app.url, ...args],
      {
        env: { PATH: process.env.PATH, DATA_DIR: folder },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const output = { out: '', err: '' }
    child.stdout.on('data', (chunk: Buffer) => {
      output.out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output.err += chunk.toString()
    })
    const [code] = await once(child, 'close')
    return { code, ...output }
  }
  const local = () => ['--base-url', `${field.server.url}/v1`, '--model', 'gemma-3-12b']

  it('a strict template: a clean party, and nothing is left behind', async () => {
    field.server.script(
      (request) =>
        strict(request) ??
        (request.stream
          ? `${C(`Tea, said ${speakerOf(request)}.`)}${F('stop')}${U}${D}`
          : { body: completion('{"next":"Ada"}') }),
    )
    const { code, out, err } = await demo(...local(), '--max-turns', '4')
    expect([code, err]).to.deep.equal([0, ''])
    expect(out).to.contain('Takes no system message: the instructions go before the first user message.')
    expect(out).to.contain(
      'Clara: Tea, said Clara.\n\nBlaise: Tea, said Blaise.\n\nAda: Tea, said Ada.\n\nClara: Tea, said Clara.\n\n--- receipt ---\nturns    4\n',
    )
    // The test: a refusal and an answer, a decision, and a tool. Then a request a turn.
    expect(field.server.requests).to.have.length(4 + 4)
    const left: unknown[] = await field.app.container.db.query('SELECT 1 FROM connections WHERE user_id IS NOT NULL')
    expect(left).to.deep.equal([])
  })

  it('a thinking model: its thoughts and its name before its words are not seen', async () => {
    field.server.script(thinking)
    const { code, out, err } = await demo(...local(), '--max-turns', '3')
    expect([code, err]).to.deep.equal([0, ''])
    expect(out).to.contain('Thinks before it speaks')
    expect(out).to.contain(`${NAMES.map((name) => `${name}: Tea, said ${name}.\n\n`).join('')}--- receipt ---`)
    expect(out).to.not.match(/think>|secret|again/)
  })

  it('a model that does not answer is named before anybody speaks', async () => {
    field.server.script(() => ({ body: '<html></html>', type: 'text/html' }))
    const { code, out, err } = await demo(...local())
    expect(code).to.equal(1)
    expect(err).to.contain('Check the base URL')
    expect(out).to.not.contain('receipt')
  })
})
