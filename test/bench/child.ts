import { createServer, type Server } from 'node:http'
import type { z } from 'zod'

// What the processes of the benches have in common, and how they are asked.

/** Listens on a free port of the loopback and says which, as `Stage.child` waits for it. */
export function announce(server: Server, backlog?: number): void {
  server.listen(0, '127.0.0.1', backlog, () => {
    const address = server.address()
    console.log(`listening ${typeof address === 'object' ? address?.port : ''}`)
  })
}

/** Does one task a request, and answers what came of it. */
export function serveTasks(perform: (task: unknown) => Promise<object>): void {
  const server = createServer(async (req, res) => {
    try {
      let text = ''
      for await (const piece of req.setEncoding('utf8')) text += piece
      res.end(JSON.stringify(await perform(JSON.parse(text))))
    } catch (error) {
      res.writeHead(500).end(error instanceof Error ? error.stack : String(error))
    }
  })
  announce(server)
}

/**
 * Has a process that serves tasks do one.
 * @throws Error with the stack of what failed there
 */
export async function askChild<T>(url: string, task: object, answer: z.ZodType<T>): Promise<T> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(task) })
  const text = await response.text()
  if (!response.ok) throw new Error(`a process of the benches failed at its task: ${text}`)
  return answer.parse(JSON.parse(text))
}
