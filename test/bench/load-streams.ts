import { z } from 'zod'
import { acceptedView } from '../../src/contract/views.ts'
import { readStamp, wallMs } from './clock.ts'
import { p50, p99 } from './harness.ts'
import { ask, read, send } from './load-http.ts'
import type { Seat, StreamsResult, TaskOf } from './load-tasks.ts'
import { QUESTION } from './questions.ts'

const openAiChunk = z.object({ choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })) })
const delta = z.object({ attempt: z.number(), offset: z.number(), text: z.string() })
const snapshot = z.object({
  live: z.array(z.object({ attempt: z.number(), text: z.string() })),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
})
const completed = z.object({ message: z.object({ content: z.string() }) })

/** Cuts a body into events as they become whole. */
function eventReader(onEvent: (type: string, data: string) => void): (piece: string) => void {
  let buffer = ''
  return (piece) => {
    buffer += piece
    let from = 0
    for (let end = buffer.indexOf('\n\n', from); end >= 0; end = buffer.indexOf('\n\n', from)) {
      let type = ''
      let data = ''
      for (const line of buffer.slice(from, end).split('\n')) {
        if (line.startsWith('event: ')) type = line.slice(7)
        else if (line.startsWith('data: ')) data = line.slice(6)
      }
      if (data !== '') onEvent(type, data)
      from = end + 2
    }
    buffer = buffer.slice(from)
  }
}

/** The words of one stream: each is the time at which the provider sent it. */
class Words {
  text = ''
  #measured = 0
  readonly #delays: number[]

  constructor(delays: number[]) {
    this.#delays = delays
  }

  /** @throws Error at a gap */
  put(offset: number, text: string): void {
    if (offset > this.text.length) throw new Error(`a gap: at ${this.text.length} came ${offset}`)
    // What is known already comes again when a snapshot and a delta overlap.
    this.text += text.slice(this.text.length - offset)
    const now = wallMs()
    const end = this.text.lastIndexOf(' ')
    if (end <= this.#measured) return
    for (const word of this.text.slice(this.#measured, end).split(' ')) {
      if (word) this.#delays.push(now - readStamp(word))
    }
    this.#measured = end + 1
  }

  /** @throws Error when it is not all there */
  check(tokens: number): void {
    const count = this.text.trim().split(' ').length
    if (count !== tokens) throw new Error(`${count} of ${tokens} words were seen`)
  }
}

async function fromProvider(url: string, model: string, tokens: number, delays: number[]): Promise<void> {
  const words = new Words(delays)
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: QUESTION }] })
  const response = await send(`${url}/v1/chat/completions`, { body })
  const onEvent = (_: string, data: string) => {
    if (data === '[DONE]') return
    const text = openAiChunk.parse(JSON.parse(data)).choices[0]?.delta.content
    if (text) words.put(words.text.length, text)
  }
  await read(response, eventReader(onEvent))
  words.check(tokens)
}

async function fromProduct(
  { url, token, agentId }: Seat,
  tokens: number,
  delays: number[],
  onAccepted: () => void,
): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const body = JSON.stringify({ agentId, message: QUESTION })
  const { runId } = acceptedView.parse(JSON.parse(await ask(`${url}/api/chat`, 202, { headers, body })))
  onAccepted()
  const words = new Words(delays)
  let attempt = 0
  let content: string | undefined
  let end = ''
  const begin = (of: number): boolean => {
    if (of > attempt) words.text = ''
    attempt = Math.max(of, attempt)
    return of === attempt
  }
  const response = await send(`${url}/api/chat/runs/${runId}/events`, { method: 'GET', headers })
  if (response.statusCode !== 200) throw new Error(`the events were answered with ${response.statusCode}`)
  await read(
    response,
    eventReader((type, data) => {
      if (type === 'turn.delta') {
        const piece = delta.parse(JSON.parse(data))
        if (begin(piece.attempt)) words.put(piece.offset, piece.text)
      } else if (type === 'conversation.snapshot') {
        const { live, messages } = snapshot.parse(JSON.parse(data))
        for (const { attempt: of, text } of live) if (begin(of)) words.put(0, text)
        // What was missed comes as a snapshot: the end of the turn, for instance.
        content = messages.find(({ role }) => role === 'agent')?.content ?? content
        if (content !== undefined) words.put(0, content)
      } else if (type === 'turn.completed') content = completed.parse(JSON.parse(data)).message.content
      else if (type.startsWith('run.')) end = type
    }),
  )
  if (end !== 'run.completed') throw new Error(`the last that was heard of the run is "${end}"`)
  if (attempt > 1) throw new Error(`it took ${attempt} attempts`)
  words.check(tokens)
  if (content?.trim() !== words.text.trim()) throw new Error('the message is not what was seen')
}

export async function runStreams({ of, tokens }: TaskOf<'streams'>): Promise<StreamsResult> {
  const delays: number[] = []
  const failures: string[] = []
  const begun = performance.now()
  let acceptedMs = 0
  const onAccepted = () => {
    acceptedMs = performance.now() - begun
  }
  const streams =
    of.product === 'provider'
      ? Array.from({ length: of.clients }, () => () => fromProvider(of.url, of.model, tokens, delays))
      : of.seats.map((seat) => () => fromProduct(seat, tokens, delays, onAccepted))
  const watched = (stream: () => Promise<void>) =>
    stream().catch((error: unknown) => void failures.push(error instanceof Error ? error.message : String(error)))
  await Promise.all(streams.map(watched))
  const ms = performance.now() - begun
  return { ms, acceptedMs, p50: p50(delays), p99: p99(delays), broken: failures.length, reason: failures[0] ?? '' }
}
