import { createServer } from 'node:http'
import { sendPosts } from './load-posts.ts'
import { runStreams } from './load-streams.ts'
import { loadTask } from './load-tasks.ts'
import { takeTurns } from './load-turns.ts'

// The load generator: does one task a request and answers its figures.
async function perform(text: string): Promise<object> {
  const task = loadTask.parse(JSON.parse(text))
  if (task.kind === 'turns') return takeTurns(task)
  if (task.kind === 'posts') return sendPosts(task)
  return runStreams(task)
}

const server = createServer(async (req, res) => {
  try {
    let text = ''
    for await (const piece of req.setEncoding('utf8')) text += piece
    res.end(JSON.stringify(await perform(text)))
  } catch (error) {
    res.writeHead(500).end(error instanceof Error ? error.stack : String(error))
  }
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`)
})
