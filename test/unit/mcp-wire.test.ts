import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { AnswerMeter } from '../../src/mcp/answer-meter.ts'
import { faultOf } from '../../src/mcp/mcp-fault.ts'
import { McpSession } from '../../src/mcp/mcp-session.ts'
import { McpWire } from '../../src/mcp/mcp-wire.ts'

describe('Answers of MCP servers', () => {
  const isOver = (...pieces: string[]) => {
    const meter = new AnswerMeter({ bytes: 1_000, values: 10, events: 3 })
    for (const piece of pieces) meter.add(Buffer.from(piece))
    return meter.isOver
  }

  it('are counted before they are parsed: bytes, values and messages, and not what stands in texts', () => {
    expect(isOver('x'.repeat(1_001))).to.equal(true)
    expect(isOver('[1,2,3,4,5,6,7,8,9,10]')).to.equal(false)
    expect(isOver('[1,2,3,4,5,6,7,8,9,10,11]')).to.equal(true)
    expect(isOver('["[[[[[[[[[[[[', '[,,,,,\\', '",{{{"]')).to.equal(false)
    expect(isOver('data:1\n\ndata:2\r\n\r\ndata:3\r\r')).to.equal(false)
    expect(isOver('data:1\n\ndata:2\r\n\r', '\ndata:3\r\rdata:4\n', '\n')).to.equal(true)
    // A quotation mark in a comment opens no text.
    expect(isOver(': "\rdata:[1,2,3,4,5,', '6,7,8,9,10,11]\n')).to.equal(true)
  })

  it('that break off are taken up again one after the other, and only while somebody waits for them', async () => {
    const wire = new McpWire(fetch, 1_000)
    wire.scheduleResumption(() => expect.fail('nobody waits'), 0)
    const call = wire.begin('key', new AbortController().signal)
    const begun = performance.now()
    const resumed: number[] = []
    await new Promise<void>((resolve) => {
      wire.scheduleResumption(() => resumed.push(1), 0)
      wire.scheduleResumption(() => resumed.push(2), 0)
      wire.scheduleResumption(resolve, 0)
    })
    expect(resumed).to.deep.equal([1, 2])
    expect(performance.now() - begun).to.be.greaterThan(290)
    wire.end(call)
  })

  it('are more than is read where a list has many pages, or an answer many messages, small as they are', async () => {
    let pages = 0
    const server = createServer(async (request, response) => {
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const { id, method } = JSON.parse((await request.toArray()).join(''))
      const answer = (more: object) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...more }))
      }
      if (id === undefined) response.writeHead(202).end()
      else if (method === 'initialize') {
        const serverInfo = { name: 'hostile', version: '1' }
        answer({ result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo } })
      } else if (method === 'tools/list') {
        const tools = Array.from({ length: 4_000 }, () => ({ name: 'a', inputSchema: { type: 'object' } }))
        answer({ result: { tools, nextCursor: `page ${++pages}` } })
      } else if (method === 'tools/call') {
        const note = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 1 } }
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end(`id: 1\nretry: 0\ndata:\n\n${`data: ${JSON.stringify(note)}\n\n`.repeat(3_000)}`)
      } else answer({ error: { code: -32_601, message: 'There is no such method.' } })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const { signal } = new AbortController()
    const target = { url: `http://127.0.0.1:${port}/mcp`, headers: [] }
    const session = await McpSession.open(target, fetch, { mostBytes: 2_000_000, timeoutMs: 30_000 }, signal)
    try {
      const fault = (work: Promise<unknown>) =>
        work.then(
          () => expect.fail('it was read'),
          (error) => faultOf(error, signal),
        )
      expect(await fault(session.listTools(signal))).to.include({ code: 'mcp.too_large' })
      expect(pages).to.be.lessThan(6)
      const call = { name: 'a', args: {}, inputSchema: {}, idempotencyKey: 'key', timeoutMs: 30_000, signal }
      // Its stream could be taken up again, and is not.
      expect(await fault(session.callTool(call))).to.include({ code: 'mcp.too_large', outcome: 'known' })
    } finally {
      await session.close()
      server.close()
      server.closeAllConnections()
    }
  })
})
