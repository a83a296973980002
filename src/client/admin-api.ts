import type { z } from 'zod'
import {
  type AuditEntryView,
  auditEntryView,
  boardTicketView,
  type CaredRunView,
  caredRunView,
  type ErasureView,
  erasureView,
  type ProcessView,
  processView,
  type QueueView,
  queueView,
} from '../contract/admin-views.ts'
import { type TroubleView, troubleView } from '../contract/connection-views.ts'
import { type WholeGalleryEntryView, wholeGalleryEntryView } from '../contract/gallery-views.ts'
import type { StarterChange } from '../contract/starter.schemas.ts'
import { type StarterView, starterView } from '../contract/starter-views.ts'
import { listOf, type RunView, runView } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** Which entries of the log; `from` is included, `to` is not. */
export interface AuditQuery extends PageQuery {
  actorId?: string | undefined
  targetId?: string | undefined
  action?: string | undefined
  from?: string | undefined
  to?: string | undefined
}
/** Which runs; of failed ones, those of the last so many hours. */
export interface CaredRunsQuery extends PageQuery {
  state?: 'stuck' | 'waiting' | 'running' | 'failed' | undefined
  hours?: number | undefined
}

/** `/api/admin`: what administrators see of the installation. */
export class AdminApi extends ApiPart {
  audit(query: AuditQuery = {}, options: CallOptions = {}): Promise<ListOf<AuditEntryView>> {
    return this.rest.call('GET /api/admin/audit', listOf(auditEntryView), { query, ...options })
  }

  erasures(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<ErasureView>> {
    return this.rest.call('GET /api/admin/erasures', listOf(erasureView), { query, ...options })
  }

  /** Takes a ready-made party away from everybody, or offers it again. */
  offerStarter(id: string, body: StarterChange, options: CallOptions = {}): Promise<StarterView> {
    return this.rest.call('PUT /api/starters/:id', starterView, { params: { id }, body, ...options })
  }

  /** Connections and hosts in trouble. */
  breakers(options: CallOptions = {}): Promise<ListOf<TroubleView>> {
    return this.rest.call('GET /api/admin/breakers', listOf(troubleView), options)
  }

  processes(options: CallOptions = {}): Promise<ListOf<ProcessView>> {
    return this.rest.call('GET /api/admin/processes', listOf(processView), options)
  }

  queues(options: CallOptions = {}): Promise<ListOf<QueueView>> {
    return this.rest.call('GET /api/admin/queues', listOf(queueView), options)
  }

  /** Opens the board of the queues at `path` of the server. */
  queueTicket(options: CallOptions = {}): Promise<z.output<typeof boardTicketView>> {
    return this.rest.call('POST /api/admin/queues/ticket', boardTicketView, options)
  }

  runs(query: CaredRunsQuery = {}, options: CallOptions = {}): Promise<ListOf<CaredRunView>> {
    return this.rest.call('GET /api/admin/runs', listOf(caredRunView), { query, ...options })
  }

  endRun(id: string, options: CallOptions = {}): Promise<RunView> {
    return this.rest.call('POST /api/admin/runs/:id/end', runView, { params: { id }, ...options })
  }

  /** Takes an entry of the gallery away from everybody but its author, who reads the reason. */
  removeGalleryEntry(id: string, reason: string, options: CallOptions = {}): Promise<WholeGalleryEntryView> {
    const request = { params: { id }, body: { reason }, ...options }
    return this.rest.call('POST /api/admin/gallery/:id/remove', wholeGalleryEntryView, request)
  }

  retryRun(id: string, options: CallOptions = {}): Promise<RunView> {
    return this.rest.call('POST /api/admin/runs/:id/retry', runView, { params: { id }, ...options })
  }
}
