/** What administrators see of the installation. Pure: browsers import this file too. */
import { z } from 'zod'
import { idView, timeView } from './views.ts'

const count = z.number().int().min(0)

export const auditEntryView = z
  .object({
    id: idView,
    action: z.string().meta({ examples: ['user.suspended'] }),
    /** Null for somebody who is not signed in, and for the system. */
    actorId: idView.nullable(),
    /** What it was done to, as the action says. */
    targetId: idView.nullable(),
    network: z.string().nullable(),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    createdAt: timeView,
  })
  .meta({ id: 'AuditEntry' })
export type AuditEntryView = z.infer<typeof auditEntryView>

/** The erasure of an account. `error`: it is in trouble, and tried again at `dueAt`. */
export const erasureView = z
  .object({
    id: idView,
    userId: idView,
    requestedBy: idView,
    phase: z.enum(['rows', 'objects', 'settling', 'done']),
    error: z.string().nullable(),
    failures: count,
    dueAt: timeView.nullable(),
    /** What was removed so far, by kind. */
    counts: z.record(z.string(), z.number()),
    createdAt: timeView,
    doneAt: timeView.nullable(),
  })
  .meta({ id: 'Erasure' })
export type ErasureView = z.infer<typeof erasureView>

/** A run as operators see it: ids, states and times, no words. */
export const caredRunView = z
  .object({
    id: idView,
    conversationId: idView,
    userId: idView,
    status: z.string(),
    /** Why it is where it is. */
    reason: z.string().meta({ examples: ['lease_lapsed'] }),
    errorCode: z.string().nullable(),
    createdAt: timeView,
    startedAt: timeView.nullable(),
    deadlineAt: timeView,
    finishedAt: timeView.nullable(),
    cancelRequestedAt: timeView.nullable(),
    requestId: z.string().nullable(),
    /** Its first turn that is not over, else its last; null for one that has none. */
    turn: z
      .object({
        index: count,
        status: z.string(),
        lane: z.string(),
        attempt: count,
        failures: count,
        dispatch: count,
        /** As the database writes them. */
        dueAt: z.string(),
        dispatchedAt: z.string().nullable(),
        leaseUntil: z.string().nullable(),
        connectionId: idView.nullable(),
        errorCode: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'CaredRun' })
export type CaredRunView = z.infer<typeof caredRunView>

export const processView = z
  .object({
    id: idView,
    role: z.enum(['web', 'worker', 'embedded']),
    /** `stuck`: a worker that takes no jobs although there are some. */
    state: z.enum(['ready', 'draining', 'stuck']),
    host: z.string(),
    pid: z.number().int(),
    version: z.string(),
    startedAt: timeView,
    seenAt: timeView,
  })
  .meta({ id: 'Process' })
export type ProcessView = z.infer<typeof processView>

/** A queue with the places for its jobs. `jobs` wait or are delayed; null while the queue is away. */
export const queueView = z
  .object({ queue: z.string(), workers: count, places: count, taken: count, jobs: count.nullable() })
  .meta({ id: 'Queue' })
export type QueueView = z.infer<typeof queueView>

/** Opens the board of the queues at `path`, without a header, until then. */
export const boardTicketView = z.object({ path: z.string(), expiresAt: timeView }).meta({ id: 'BoardTicket' })
