import { createServer } from 'node:http'
import { announce } from './child.ts'

// Servers that users may have: /hang never answers, /slow sends a sign now and then, /limit answers 429, /flood talks as fast as it can.

const chunk = (content: string) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`
const FLOOD = Buffer.from(chunk('flood ').repeat(200))
const SLOW_MS = 2_000

const server = createServer((request, response) => {
  request.resume()
  const kind = request.url?.split('/')[1]
  if (kind === 'hang') return
  if (kind === 'limit') {
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' })
    response.end('{"error":{"message":"Slow down."}}')
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (kind === 'slow') {
    const timer = setInterval(() => response.write(chunk('x')), SLOW_MS)
    response.once('close', () => clearInterval(timer))
    return
  }
  const flood = () => {
    while (!response.destroyed && response.write(FLOOD));
    if (!response.destroyed) response.once('drain', flood)
  }
  flood()
})
announce(server)
