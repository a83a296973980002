/** The REST side of the client: `fetch`, checked answers, one kind of error. No Node-only imports. */
import { z } from 'zod'
import { failureView } from '../contract/views.ts'

/** An error that the server answered (or `client.*` when it did not answer): `code` is `domain.reason`. */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly code: string
  readonly details: Record<string, unknown>

  constructor(status: number, code: string, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.details = details
  }
}

const errorBody = z.object({ error: failureView })

export interface RestRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** One server, one token that may change. */
export class Rest {
  readonly url: string
  token: string | undefined
  readonly #fetch: typeof fetch

  constructor(url: string, token: string | undefined, fetcher: typeof fetch) {
    this.url = url.replace(/\/+$/, '')
    this.token = token
    this.#fetch = fetcher
  }

  /**
   * The answer, checked against `schema`.
   * @throws ApiError what the server answered; `client.unreachable` without an answer; `client.unexpected` for one that
   * is not the API's.
   */
  async call<S extends z.ZodType>(schema: S, path: string, request: RestRequest = {}): Promise<z.output<S>> {
    const headers = { ...request.headers }
    if (this.token) headers.authorization = `Bearer ${this.token}`
    if (request.body !== undefined) headers['content-type'] = 'application/json'
    const response = await this.#fetch(`${this.url}${path}`, {
      method: request.method ?? 'GET',
      headers,
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: request.signal,
    }).catch((error: unknown) => {
      if (request.signal?.aborted) throw error
      throw new ApiError(0, 'client.unreachable', `No server answers at ${this.url}.`)
    })
    const text = await response.text()
    const answer = parseJson(text)
    if (!response.ok) {
      const known = errorBody.safeParse(answer)
      if (!known.success)
        throw new ApiError(response.status, 'client.unexpected', `The server answered ${response.status}.`)
      const { code, message, details } = known.data.error
      throw new ApiError(response.status, code, message, details)
    }
    const result = schema.safeParse(answer)
    if (!result.success) {
      throw new ApiError(
        response.status,
        'client.unexpected',
        `${path} answered something unexpected: is this a Chatsparty server?`,
      )
    }
    return result.data
  }
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
