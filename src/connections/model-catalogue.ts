import { z } from 'zod'
import type { ListedModelView } from '../contract/connection-views.ts'
import { AppError } from '../shared/errors.ts'
import type { Connection } from './connection.entity.ts'
import type { ConnectionService } from './connection.service.ts'
import { listModels, ModelListError, unreadableList } from './model-list.ts'
import { classifyProviderError } from './provider-errors.ts'
import type { ProviderNetwork } from './provider-network.ts'

/** What a provider listed, and when. */
export interface ModelList {
  models: ListedModelView[]
  fetchedAt: Date
}

/** A list is good for so long, and for as long as this even to who wants it anew, in ms. */
const GOOD_MS = 600_000
const LEAST_MS = 10_000
/** Lists that are kept in this process. */
const MOST_LISTS = 100

interface CatalogueDependencies {
  connections: Pick<ConnectionService, 'get' | 'open'>
  network: Pick<ProviderNetwork, 'fetchFor'>
  /** CONNECTION_TEST_TIMEOUT_MS, for all pages together. */
  timeoutMs: number
  now?: () => number
}

/** The models of connections, asked from their providers and kept for a while; who asks at the same time waits for the same answer. */
export class ModelCatalogue {
  readonly #deps: CatalogueDependencies
  readonly #lists = new Map<string, { list: Promise<ModelList>; at: number }>()

  constructor(dependencies: CatalogueDependencies) {
    this.#deps = dependencies
  }

  /**
   * Of a connection that the user may use.
   * @throws AppError 404; 409 `connections.key_unreadable`; 502 `connections.models_unavailable` with the provider's failure in
   * `details.code`; 422 `connections.no_model_list` where the server has no list
   */
  async of(userId: string, connectionId: string, isAnew = false): Promise<ModelList> {
    const connection = await this.#deps.connections.get(userId, connectionId)
    // What is changed is asked anew.
    const key = `${connection.id} ${connection.updatedAt.getTime()}`
    const now = (this.#deps.now ?? Date.now)()
    const known = this.#lists.get(key)
    if (known && now - known.at < (isAnew ? LEAST_MS : GOOD_MS)) return known.list
    const list = this.#ask(connection)
    this.#lists.delete(key)
    this.#lists.set(key, { list, at: now })
    list.catch(() => {
      const mine = this.#lists.get(key)
      if (mine?.list !== list) return
      // The platform's account is everybody's: not every request of everybody asks a provider that refuses.
      if (connection.userId === null) mine.at = now - GOOD_MS + LEAST_MS
      else this.#lists.delete(key)
    })
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= MOST_LISTS) break
      this.#lists.delete(oldest)
    }
    return list
  }

  async #ask(connection: Connection): Promise<ModelList> {
    const { connections, network, timeoutMs } = this.#deps
    const resolved = connections.open(connection, connection.id)
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      return { models: await listModels(resolved, network.fetchFor(resolved), timeout), fetchedAt: new Date() }
    } catch (error) {
      throw refusal(timeout.aborted ? timeout.reason : error)
    }
  }
}

function refusal(error: unknown): AppError {
  if (error instanceof ModelListError && error.isNoList) return new AppError('connections.no_model_list')
  const isUnreadable =
    error instanceof z.ZodError || (error instanceof ModelListError && error.statusCode === undefined)
  const { code, message, retryAfterMs } = isUnreadable ? unreadableList() : classifyProviderError(error)
  const retryAfterSeconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000)
  return new AppError('connections.models_unavailable', {
    words: { why: message },
    details: { code, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
  })
}
