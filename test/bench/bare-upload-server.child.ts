import { createWriteStream, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'

// The least that takes an upload: the body as it comes, into a file. What is around the file in the body goes with it.
function memory(): { now: number; peak: number } {
  const status = readFileSync('/proc/self/status', 'utf8')
  const bytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
}

const server = createServer(async (req, res) => {
  if (req.url === '/memory') return void res.end(JSON.stringify(memory()))
  await pipeline(req, createWriteStream('upload'))
  res.writeHead(201).end()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`)
})
