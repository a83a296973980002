/** The REST side of the client: `fetch`, checked answers, one kind of error. No Node-only imports. */
import { z } from 'zod'
import { failureView } from '../contract/views.ts'
import { ApiError } from './api-error.ts'
import { type Progress, sendWatched } from './watched-send.ts'

const errorBody = z.object({ error: failureView })

/** A route as the README names it, such as `GET /api/agents/:id`. */
export type RouteName = `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`
/** Names of the parameters of its path. */
type ParamOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamOf<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never
type ParamsOf<Path extends string> = [ParamOf<Path>] extends [never]
  ? { params?: undefined }
  : { params: Record<ParamOf<Path>, string> }

/** What any call may be given. */
export interface CallOptions {
  /** Gives the call up; what the server has begun by then, it ends. */
  signal?: AbortSignal | undefined
}

/** What reading one thing may be given besides. */
export interface ReadOptions extends CallOptions {
  /** Told of the tag of this state, for `ifMatch` of a change. */
  onTag?: ((tag: string) => void) | undefined
}

/** What a change may be given besides. */
export interface ChangeOptions extends ReadOptions {
  /** The tag of the state that is changed: where it is another by now, the change is refused with 412 `request.precondition_failed`. */
  ifMatch?: string | undefined
}

/** One page of a list; `nextCursor` is null behind the last. */
export interface ListOf<View> {
  data: View[]
  nextCursor: string | null
}

/** Which page of a list: `cursor` is the `nextCursor` of the page before. */
export interface PageQuery {
  /** 1 to 100; 20 where nothing is said. */
  limit?: number | undefined
  cursor?: string | undefined
}

export interface RestRequest extends CallOptions {
  query?: object | undefined
  /** JSON, but for a FormData or Blob, which goes as it is. */
  body?: unknown
  headers?: Record<string, string> | undefined
  /** Told of the bytes of the body as they go out. */
  onProgress?: ((progress: Progress) => void) | undefined
  onTag?: ReadOptions['onTag']
  ifMatch?: ChangeOptions['ifMatch']
}
type RequestOf<R extends string> = RestRequest & ParamsOf<R>

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
   * The answer, checked against `view`; undefined where the view is null, for an answer without a body.
   * @throws ApiError what the server answered; `client.unreachable` without an answer; `client.unexpected` for one that
   * is not the API's.
   */
  async call<R extends RouteName>(route: R, view: null, request: RequestOf<R>): Promise<void>
  async call<R extends RouteName, S extends z.ZodType>(route: R, view: S, request: RequestOf<R>): Promise<z.output<S>>
  async call<R extends RouteName>(route: R, view: z.ZodType | null, request: RequestOf<R>): Promise<unknown> {
    const response = await this.send(route, request)
    const answer = parseJson(await response.text())
    if (view === null) return undefined
    const result = view.safeParse(answer)
    if (result.success) return result.data
    throw new ApiError(
      response.status,
      'client.unexpected',
      `${route} answered something unexpected: is this a Chatsparty server?`,
      { requestId: requestIdOf(response) },
    )
  }

  /** The answer itself, where it is no JSON. @throws ApiError as `call` */
  async send<R extends RouteName>(route: R, request: RequestOf<R>): Promise<Response> {
    const [method = '', path = ''] = route.split(' ')
    const { params, query, body, signal, onProgress, onTag, ifMatch } = request
    const isRaw = body instanceof FormData || body instanceof Blob
    const headers: Record<string, string> = { ...request.headers }
    if (this.token !== undefined) headers.authorization = `Bearer ${this.token}`
    if (ifMatch !== undefined) headers['if-match'] = ifMatch
    if (body !== undefined && !isRaw) headers['content-type'] = 'application/json'
    const init = { method, headers, body: body === undefined || isRaw ? body : JSON.stringify(body), signal }
    const url = `${this.url}${filled(path, params ?? {})}${queryOf(query ?? {})}`
    const sent =
      onProgress && isRaw ? sendWatched(url, { ...init, body }, onProgress, this.#fetch) : this.#fetch(url, init)
    const response = await sent.catch((error: unknown) => {
      if (signal?.aborted) throw error
      throw new ApiError(0, 'client.unreachable', `No server answers at ${this.url}.`)
    })
    if (!response.ok) throw await refusalOf(response)
    const tag = response.headers.get('etag')
    if (tag !== null) onTag?.(tag)
    return response
  }
}

/** A part of the API, with methods named after its routes. */
export class ApiPart {
  protected readonly rest: Rest

  constructor(rest: Rest) {
    this.rest = rest
  }
}

/** Where no body was to come, any is no matter. */
function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

const filled = (path: string, params: Record<string, string>): string =>
  path.replaceAll(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))

/** What is undefined is not asked for. */
function queryOf(query: object): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? '' : `?${given}`
}

const requestIdOf = (response: Response): string | undefined => response.headers.get('x-request-id') ?? undefined

async function refusalOf(response: Response): Promise<ApiError> {
  const requestId = requestIdOf(response)
  const known = errorBody.safeParse(parseJson(await response.text())).data?.error
  // Ours are in seconds; a proxy's may be a date, which says nothing here.
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined
  if (!known) {
    const words = `The server answered ${response.status}.`
    return new ApiError(response.status, 'client.unexpected', words, { requestId, retryAfter })
  }
  return new ApiError(response.status, known.code, known.message, { details: known.details, requestId, retryAfter })
}
