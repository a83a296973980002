import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { newApiKeyView } from '../../src/contract/api-key-views.ts'
import {
  acceptedView,
  type FileView,
  fileView,
  isTerminal,
  messageView,
  type RunView,
  runView,
} from '../../src/contract/views.ts'
import { eventually, moved, patience, quietFor } from './pace.ts'

const errorBody = z.strictObject({
  error: z.strictObject({ message: z.string(), code: z.string(), details: z.record(z.string(), z.unknown()) }),
})
const idOnly = z.looseObject({ id: z.string() })
const signedIn = z.object({ user: z.looseObject({ id: z.string(), email: z.string() }), token: z.string() })
const conversationBody = z.looseObject({
  messages: z.object({ data: z.array(messageView), nextCursor: z.string().nullable() }),
})

export interface Answer {
  status: number
  body: unknown
  headers: Headers
}

/** A signed-in user of the API, as a client sees it: HTTP only. */
export class TestUser {
  readonly id: string
  readonly email: string
  readonly token: string
  readonly #api: ApiClient

  constructor(api: ApiClient, { user, token }: z.output<typeof signedIn>) {
    this.#api = api
    this.id = user.id
    this.email = user.email
    this.token = token
  }

  request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#api.request(method, path, body, { authorization: `Bearer ${this.token}`, ...headers })
  }

  get = (path: string) => this.request('GET', path)
  post = (path: string, body: unknown, headers?: Record<string, string>) => this.request('POST', path, body, headers)
  put = (path: string, body: unknown) => this.request('PUT', path, body)
  patch = (path: string, body: unknown) => this.request('PATCH', path, body)
  delete = (path: string) => this.request('DELETE', path)

  /** Creates an object and answers its id. */
  async create(path: string, body: unknown): Promise<string> {
    const answer = await this.post(path, body)
    if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return idOnly.parse(answer.body).id
  }

  /** Makes an API key, for chatting where `body` does not say otherwise; answers it, and the user who calls `api` with it. */
  async apiKey(body: object = {}, api = this.#api) {
    const answer = await this.post('/api/keys', { name: 'Program', scopes: ['chat'], ...body })
    if (answer.status !== 201) {
      throw new Error(`POST /api/keys answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    }
    const made = newApiKeyView.strict().parse(answer.body)
    return { ...made, user: new TestUser(api, { user: { id: this.id, email: this.email }, token: made.key }) }
  }

  /** A connection to a mocked provider and agents on it. */
  async agentsOn(connection: Record<string, unknown>, names: string[]): Promise<string[]> {
    const connectionId = await this.create('/api/connections', {
      name: 'Test',
      model: 'test-model',
      apiKey: 'test-key-1234',
      ...connection,
    })
    return Promise.all(
      names.map((name) =>
        this.create('/api/agents', { name, instructions: `You are ${name} of the test.`, connectionId }),
      ),
    )
  }

  async accept(path: '/api/chat' | '/api/chat/multi-agent', body: unknown, headers?: Record<string, string>) {
    const answer = await this.post(path, body, headers)
    if (answer.status !== 202) throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return acceptedView.parse(answer.body)
  }

  async run(runId: string): Promise<RunView> {
    return runView.parse((await this.get(`/api/chat/runs/${runId}`)).body)
  }

  /** Asks until the run is over; throws when neither it nor anything else has moved for `quietMs`. */
  async finished(runId: string, quietMs = patience()): Promise<RunView> {
    let before = ''
    for (;;) {
      const run = await this.run(runId)
      const now = JSON.stringify(run)
      if (now !== before) moved()
      before = now
      if (isTerminal(run.status)) return run
      if (quietFor() > quietMs) throw new Error(`the run is not over: ${JSON.stringify(run)}`)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  /** Uploads a file and answers its id. */
  async upload(name: string, type: string, content: Buffer | string): Promise<string> {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(Buffer.from(content))], { type }), name)
    const headers = { authorization: `Bearer ${this.token}` }
    const answer = await fetch(`${this.#api.url}/api/storage/upload`, { method: 'POST', headers, body: form })
    const body: unknown = await answer.json()
    if (answer.status !== 201) throw new Error(`the upload was answered with ${answer.status}: ${JSON.stringify(body)}`)
    return idOnly.parse(body).id
  }

  /** The file when it is ready or has failed. */
  fileSettled(id: string): Promise<FileView> {
    return eventually(async () => {
      const file = fileView.parse((await this.get(`/api/storage/files/${id}`)).body)
      return file.status !== 'processing' && file
    })
  }

  async messages(conversationId: string) {
    const { body } = await this.get(`/api/chat/conversations/${conversationId}?limit=100`)
    return conversationBody.parse(body).messages.data
  }
}

/** A request that got no answer, or not all of it. `fetch` says "fetch failed" or "terminated" whatever happened; this says what. */
export class Unanswered extends Error {
  constructor(request: string, cause: unknown) {
    const { code, message } = Object(cause instanceof Error ? (cause.cause ?? cause) : cause)
    super(`${request} was not answered: ${[code, message].filter(Boolean).join(': ') || String(cause)}`, { cause })
  }
}

/** The API over HTTP. */
export class ApiClient {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    }).catch((error: unknown) => {
      throw new Unanswered(`${method} ${this.url}${path}`, error)
    })
    const text = await response.text().catch((error: unknown) => {
      throw new Unanswered(`${method} ${this.url}${path}, cut off within its answer ${response.status},`, error)
    })
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers }
  }

  get = (path: string) => this.request('GET', path)
  post = (path: string, body: unknown) => this.request('POST', path, body)

  /** A new user with the welcome credits. */
  async register(email = `${randomUUID()}@example.com`): Promise<TestUser> {
    const answer = await this.post('/api/auth/register', { email, password: 'correct horse battery' })
    return new TestUser(this, signedIn.parse(answer.body))
  }

  /** A guest, with a guest's credits. */
  async guest(): Promise<TestUser> {
    const answer = await this.post('/api/auth/guest', {})
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
    return new TestUser(this, signedIn.parse(answer.body))
  }

  async login(email: string, password: string): Promise<TestUser> {
    const answer = await this.post('/api/auth/login', { email, password })
    return new TestUser(this, signedIn.parse(answer.body))
  }
}

const wireErrorBody = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
})

/** The error of an answer under /v1, checked to be as OpenAI's wire has it. */
export const wireErrorOf = (answer: Answer) => wireErrorBody.parse(answer.body).error

/** The error of an answer, checked to be in the one format. */
export const errorOf = (answer: Answer) => errorBody.parse(answer.body).error
