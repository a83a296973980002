import { ask, closedLoop } from './load-http.ts'
import type { TaskOf, TurnsResult } from './load-tasks.ts'

/** `{unique}` in a header is another text each time: an idempotency key, for instance. */
export async function sendPosts({ requests, ms }: TaskOf<'posts'>): Promise<TurnsResult> {
  let serial = 0
  const unique = `${process.pid}-${Date.now()}-`
  const clients = requests.map(({ url, headers, body, expect }) => async () => {
    const own = Object.entries(headers).map(([name, value]) => [
      name,
      value.replace('{unique}', `${unique}${serial++}`),
    ])
    await ask(url, expect, { headers: Object.fromEntries(own), body })
  })
  return closedLoop(clients, { ms })
}
