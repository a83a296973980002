import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { memoryOf } from '../support/memory.ts'
import { announce } from './child.ts'

// The least that takes an upload: the body as it comes, into a file. What is around the file in the body goes with it.

const server = createServer(async (req, res) => {
  if (req.url === '/memory') return void res.end(JSON.stringify(await memoryOf('self')))
  await pipeline(req, createWriteStream('upload'))
  res.writeHead(201).end()
})
announce(server)
