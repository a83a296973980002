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
export const turnsResult = z.object({
  turns: z.number(),
  /** From the first request to the end of the last turn. */
  ms: z.number(),
  /** From each request to the end of its turn. */
  latencies: z.array(z.number()),
})
export type TurnsResult = z.infer<typeof turnsResult>

/** Clients that each POST as soon as their last was answered; the answer is that of `turns`. */
const post = z.object({
  kind: z.literal('posts'),
  /** One client each. */
  requests: z.array(
    z.object({ url: z.string(), headers: z.record(z.string(), z.string()), body: z.string(), expect: z.number() }),
  ),
  ms: z.number(),
})

/** All seats begin a paced turn at once and watch it by server-sent events; or as many requests to the provider itself. */
const streams = z.object({
  kind: z.literal('streams'),
  of: z.discriminatedUnion('product', [
    z.object({ product: z.literal('chatsparty'), seats: z.array(seat) }),
    z.object({ product: z.literal('provider'), url: z.string(), model: z.string(), clients: z.number() }),
  ]),
  tokens: z.number(),
})
export const streamsResult = z.object({
  /** From the first request to the end of the last stream. */
  ms: z.number(),
  /** From the first request to the last 202. */
  acceptedMs: z.number(),
  /** How late words were at the client: their median and 99th percentile, over all streams. */
  p50: z.number(),
  p99: z.number(),
  /** Streams that did not end well or whose words were not all seen once; with the reason of the first. */
  broken: z.number(),
  reason: z.string(),
})
export type StreamsResult = z.infer<typeof streamsResult>

export const loadTask = z.discriminatedUnion('kind', [takeTurns, post, streams])
type Kind = z.output<typeof loadTask>['kind']
/** A task as the load generator does it, and as it is asked for. */
export type TaskOf<K extends Kind> = Extract<z.output<typeof loadTask>, { kind: K }>
export type AskOf<K extends Kind> = Omit<Extract<z.input<typeof loadTask>, { kind: K }>, 'kind'>
