import { Agent, type IncomingMessage, request } from 'node:http'

/** `fetch` costs several times as much as this, and the load generator shares the processors with what it measures. */
const keepAlive = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

interface Sending {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

/** Resolves with the answer's beginning; its body is read by the caller, to its end. */
export function send(url: string, { method = 'POST', headers, body }: Sending): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? undefined : { 'content-length': String(Buffer.byteLength(body)) }
    const type = body === undefined ? undefined : { 'content-type': 'application/json' }
    const sending = request(url, { method, agent: keepAlive, headers: { ...type, ...length, ...headers } })
    sending.once('response', resolve).once('error', reject).end(body)
  })
}

/** The whole body as text; `onPiece` sees each piece as it comes. */
export function read(response: IncomingMessage, onPiece?: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (piece: string) => {
      if (onPiece) onPiece(piece)
      else text += piece
    })
    response.once('end', () => resolve(text)).once('error', reject)
    response.once('aborted', () => reject(new Error('the answer broke off')))
  })
}

/** @throws Error when the answer has another status */
export async function ask(url: string, expected: number, sending: Sending): Promise<string> {
  const response = await send(url, sending)
  const text = await read(response)
  if (response.statusCode !== expected) throw new Error(`${url} answered ${response.statusCode}: ${text}`)
  return text
}

/** Until `over` each client does `work` again as soon as it is done. The latencies of all, and how long it took to the last. */
export async function closedLoop(
  clients: ReadonlyArray<() => Promise<void>>,
  { ms, turns, pauseMs = 0 }: { ms?: number; turns?: number; pauseMs?: number },
): Promise<{ turns: number; ms: number; latencies: number[] }> {
  const latencies: number[] = []
  const begun = performance.now()
  const isOver = (done: number) =>
    (turns !== undefined && done >= turns) || (ms !== undefined && performance.now() - begun >= ms)
  const client = async (work: () => Promise<void>) => {
    for (let done = 0; !isOver(done); done++) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      const startedAt = performance.now()
      await work()
      latencies.push(performance.now() - startedAt)
    }
  }
  await Promise.all(clients.map(client))
  return { turns: latencies.length, ms: performance.now() - begun, latencies }
}
