import type { ConnectionChange, ConnectionInput } from '../contract/connection.schemas.ts'
import {
  type ConnectionModelsView,
  type ConnectionTestView,
  type ConnectionView,
  connectionModelsView,
  connectionTestView,
  connectionView,
  type ProviderView,
  providerView,
} from '../contract/connection-views.ts'
import { listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ChangeOptions, type ListOf, type PageQuery, type ReadOptions } from './rest.ts'

/** `/api/connections`: accounts at model providers. Keys go in and never come out. */
export class ConnectionsApi extends ApiPart {
  /** What a connection can be made to, and what each needs. */
  providers(options: CallOptions = {}): Promise<ListOf<ProviderView>> {
    return this.rest.call('GET /api/providers', listOf(providerView), options)
  }

  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<ConnectionView>> {
    return this.rest.call('GET /api/connections', listOf(connectionView), { query, ...options })
  }

  /** @throws ApiError 400 for an address that the server may not connect to */
  create(body: ConnectionInput, options: CallOptions = {}): Promise<ConnectionView> {
    return this.rest.call('POST /api/connections', connectionView, { body, ...options })
  }

  get(id: string, options: ReadOptions = {}): Promise<ConnectionView> {
    return this.rest.call('GET /api/connections/:id', connectionView, { params: { id }, ...options })
  }

  /** What is left out stays as it is; `apiKey: null` removes the key. */
  update(id: string, body: ConnectionChange, options: ChangeOptions = {}): Promise<ConnectionView> {
    return this.rest.call('PUT /api/connections/:id', connectionView, { params: { id }, body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/connections/:id', null, { params: { id }, ...options })
  }

  /** The models that its provider lists, kept for ten minutes; `refresh` asks anew. */
  models(
    id: string,
    query: { refresh?: boolean | undefined } = {},
    options: CallOptions = {},
  ): Promise<ConnectionModelsView> {
    const request = { params: { id }, query, ...options }
    return this.rest.call('GET /api/connections/:id/models', connectionModelsView, request)
  }

  /** Calls the provider for a few tokens. What is wrong is an outcome, no error. */
  test(id: string, options: CallOptions = {}): Promise<ConnectionTestView> {
    return this.rest.call('POST /api/connections/:id/test', connectionTestView, { params: { id }, ...options })
  }
}
