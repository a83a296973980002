import { z } from 'zod'

// What the load generator, a process of its own, can be told to do, and what it answers. All times are in ms.

/** A user's way to an agent: what a client needs to talk. */
const seat = z.object({ url: z.string(), token: z.string(), agentId: z.string() })
export type Seat = z.infer<typeof seat>

/**
 * Clients that each take turns one after the other, for `ms` or until each had `turns`. A seat's client watches its conversation
 * over Socket.IO and has its turn when it has seen `run.completed`; a client of Mastra's server when it has read the whole stream.
 */
const takeTurns = z.object({
  kind: z.literal('turns'),
  of: z.discriminatedUnion('product', [
    z.object({ product: z.literal('chatsparty'), seats: z.array(seat), conversationId: z.string().optional() }),
    z.object({ product: z.literal('mastra'), url: z.string(), agent: z.string(), clients: z.number() }),
  ]),
  ms: z.number().optional(),
  turns: z.number().optional(),
  /** Between two turns of a client. */
  pauseMs: z.number().default(0),
})
export interface TurnsResult {
  turns: number
  /** From the first request to the end of the last turn. */
  ms: number
  /** From each request to the end of its turn. */
  latencies: number[]
}

/** Clients that each POST as soon as their last was answered. */
const post = z.object({
  kind: z.literal('posts'),
  /** One client each. */
  requests: z.array(
    z.object({ url: z.string(), headers: z.record(z.string(), z.string()), body: z.string(), expect: z.number() }),
  ),
  ms: z.number(),
})
export type PostsResult = TurnsResult

/** All seats begin a paced turn at once and watch it by server-sent events; or as many requests to the provider itself. */
const streams = z.object({
  kind: z.literal('streams'),
  of: z.discriminatedUnion('product', [
    z.object({ product: z.literal('chatsparty'), seats: z.array(seat) }),
    z.object({ product: z.literal('provider'), url: z.string(), model: z.string(), clients: z.number() }),
  ]),
  tokens: z.number(),
})
export interface StreamsResult {
  /** From the first request to the end of the last stream. */
  ms: number
  /** From the first request to the last 202. */
  acceptedMs: number
  /** How late words were at the client: their median and 99th percentile, over all streams. */
  p50: number
  p99: number
  /** Streams that did not end well or whose words were not all seen once; with the reason of the first. */
  broken: number
  reason: string
}

export const loadTask = z.discriminatedUnion('kind', [takeTurns, post, streams])
export type LoadTask = z.input<typeof loadTask>
export type TaskOf<K extends LoadTask['kind']> = Extract<z.output<typeof loadTask>, { kind: K }>
interface Results {
  turns: TurnsResult
  posts: PostsResult
  streams: StreamsResult
}
export type LoadResult<T extends LoadTask> = Results[T['kind']]
