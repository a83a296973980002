import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { networkDenial } from '../../workers/file-parsing/network-denial.ts'
import { skip } from '../support/programs.ts'

const run = promisify(execFile)
const NO_NETWORK = fileURLToPath(new URL('../../workers/file-parsing/no-network.ts', import.meta.url))
/** Tries every way out, and prints those that were open. */
const ESCAPE = `
const net = require('node:net'), dns = require('node:dns'), dgram = require('node:dgram')
const port = Number(process.env.TO)
const ways = {
  net: () => new Promise((yes, no) => net.connect(port, '127.0.0.1').once('connect', yes).once('error', no)),
  fetch: () => fetch('http://127.0.0.1:' + port),
  websocket: () => new WebSocket('ws://127.0.0.1:' + port),
  dns: () => dns.promises.lookup('localhost'),
  udp: () => new Promise((yes, no) => dgram.createSocket('udp4').send('x', port, '127.0.0.1', (e) => (e ? no(e) : yes()))),
}
;(async () => {
  for (const [name, way] of Object.entries(ways)) {
    try { await way(); console.log(name) } catch {}
  }
  process.exit(0)
})()`

describe('The process that reads files', function () {
  this.timeout(20_000)
  let server: Server
  let met = 0
  let to = ''

  beforeEach(async () => {
    met = 0
    server = createServer((socket) => {
      met++
      // Who only tries does not wait for the answer.
      socket.on('error', () => {})
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    to = String(typeof address === 'object' ? address?.port : '')
  })
  afterEach(() => server.close())

  const wayOut = async (before: readonly string[], options: string[]) => {
    const [program = '', ...args] = [...before, process.execPath, '--no-warnings', ...options, '-e', ESCAPE]
    const { stdout } = await run(program, args, { env: { PATH: process.env.PATH, TO: to } })
    return stdout.split('\n').filter(Boolean)
  }

  it('would find the way out without this', async () => {
    expect(await wayOut([], [])).to.include.members(['net', 'fetch', 'websocket'])
    expect(met).to.be.above(0)
  })

  it('finds none by its modules', async () => {
    expect(await wayOut([], ['--import', NO_NETWORK])).to.deep.equal([])
    expect(met).to.equal(0)
  })

  it('finds none by the kernel, where the platform permits that', async function () {
    const denial = await networkDenial()
    if (denial.length === 0) return skip(this, 'this system permits no namespace')
    expect(await wayOut(denial, [])).to.not.include.members(['net'])
    expect(met).to.equal(0)
  })
})
