import { z } from 'zod'
import type { ListedModelView } from '../contract/connection-views.ts'
import type { ResolvedConnection } from './provider.ts'
import { addressOf } from './provider-address.ts'
import { providerFailure } from './provider-errors.ts'

/** What of an answer is read, in bytes: OpenRouter lists some hundreds of models in half a megabyte. */
const MOST_BYTES = 4 * 1_024 * 1_024
/** Models of all pages together, and pages: a server that says "more" for ever is not followed. */
const MOST_MODELS = 1_000
const MOST_PAGES = 10
/** Characters of a model's id and name: what is longer is no model of ours. */
const MOST_CHARS = 200

/** An answer that is not the list, in the form in which `classifyProviderError` reads errors. */
export class ModelListError extends Error {
  override name = 'ModelListError'
  readonly statusCode: number | undefined
  readonly responseHeaders: Record<string, string>
  readonly responseBody: string

  constructor(message: string, answer?: { status: number; headers: Headers; body: string }) {
    super(message)
    this.statusCode = answer?.status
    this.responseHeaders = Object.fromEntries(answer?.headers ?? [])
    this.responseBody = answer?.body ?? ''
  }

  /** There is no list here, whoever asks. */
  get isNoList(): boolean {
    return this.statusCode !== undefined && [404, 405, 501].includes(this.statusCode)
  }
}

interface Page {
  models: ListedModelView[]
  /** What the address of the next page has besides. */
  next: Record<string, string> | undefined
}

/** How a kind of provider is asked for its models. */
interface ListWire {
  query: Record<string, string>
  headers: (apiKey: string) => Record<string, string>
  read: (body: unknown) => Page
}

const name = z.string().trim().min(1).max(MOST_CHARS)
const count = z.number().int().positive().max(1_000_000_000)
const optional = <S extends z.ZodType>(schema: S) => schema.nullish().catch(null)

/** One entry: OpenAI's, with what Together, OpenRouter, Groq, Mistral and vLLM add; some servers give names alone. */
const openAiModel = z.object({
  id: optional(name),
  model: optional(name),
  name: optional(name),
  display_name: optional(name),
  context_length: optional(count),
  context_window: optional(count),
  max_context_length: optional(count),
  max_model_len: optional(count),
})
const list = z.array(z.unknown()).max(100_000)
/** `{data: [...]}`, Ollama's `{models: [...]}`, or Together's bare array. */
const openAiList = z.union([
  list,
  z.object({ data: list }).transform(({ data }) => data),
  z.object({ models: list }).transform(({ models }) => models),
])

const openAi: ListWire = {
  query: {},
  headers: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  read: (body) => ({
    models: openAiList.parse(body).flatMap((entry): ListedModelView[] => {
      const found = openAiModel.safeParse(typeof entry === 'string' ? { id: entry } : entry).data
      if (!found) return []
      const id = found.id ?? found.model ?? found.name
      if (!id) return []
      const shown = found.display_name ?? found.name ?? null
      const contextTokens =
        found.context_length ?? found.context_window ?? found.max_context_length ?? found.max_model_len
      return [{ id, name: shown === id ? null : shown, contextTokens: contextTokens ?? null }]
    }),
    next: undefined,
  }),
}

const anthropicList = z.object({ data: list, has_more: optional(z.boolean()), last_id: optional(name) })
const anthropicModel = z.object({ id: name, display_name: optional(name), max_input_tokens: optional(count) })
const anthropic: ListWire = {
  query: { limit: '1000' },
  headers: (apiKey) => ({ 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' }),
  read: (body) => {
    const { data, has_more: hasMore, last_id: lastId } = anthropicList.parse(body)
    return {
      models: data.flatMap((entry) => {
        const found = anthropicModel.safeParse(entry).data
        if (!found) return []
        return [{ id: found.id, name: found.display_name ?? null, contextTokens: found.max_input_tokens ?? null }]
      }),
      next: hasMore && lastId ? { after_id: lastId } : undefined,
    }
  },
}

const googleList = z.object({ models: list.default([]), nextPageToken: optional(z.string().max(2_000)) })
const googleModel = z.object({
  name,
  displayName: optional(name),
  inputTokenLimit: optional(count),
  supportedGenerationMethods: optional(z.array(z.string())),
})
const google: ListWire = {
  query: { pageSize: '1000' },
  headers: (apiKey) => ({ 'x-goog-api-key': apiKey }),
  read: (body) => {
    const { models, nextPageToken } = googleList.parse(body)
    return {
      models: models.flatMap((entry) => {
        const found = googleModel.safeParse(entry).data
        // Some only embed, or draw.
        if (!found || found.supportedGenerationMethods?.includes('generateContent') === false) return []
        const id = found.name.replace(/^models\//, '')
        return [{ id, name: found.displayName ?? null, contextTokens: found.inputTokenLimit ?? null }]
      }),
      next: nextPageToken ? { pageToken: nextPageToken } : undefined,
    }
  },
}

const WIRES = { openai: openAi, groq: openAi, ollama: openAi, 'openai-compatible': openAi, anthropic, google }

/** What the built-in model is called; it is one, whatever its name. */
const DEMO_MODEL: ListedModelView = { id: 'demo-1', name: 'Demo', contextTokens: null }

/**
 * Asks a connection's provider for its models, by its own wire, page after page. Each once, by their ids; of more than 1,000 the first.
 * @throws ModelListError for an answer that is none; whatever `fetch` throws
 */
export async function listModels(
  connection: Pick<ResolvedConnection, 'provider' | 'baseUrl' | 'apiKey'>,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<ListedModelView[]> {
  if (connection.provider === 'demo') return [DEMO_MODEL]
  const wire: ListWire = WIRES[connection.provider]
  const address = addressOf(connection)
  if (!address) return []
  const headers = { accept: 'application/json', ...(connection.apiKey !== null && wire.headers(connection.apiKey)) }
  const models = new Map<string, ListedModelView>()
  let query: Record<string, string> | undefined = wire.query
  for (let pages = 0; query && pages < MOST_PAGES && models.size < MOST_MODELS; pages++) {
    const search: string = Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : ''
    const page: Page = wire.read(await read(`${address}/models${search}`, headers, fetch, signal))
    const before = models.size
    for (const model of page.models) if (models.size < MOST_MODELS) models.set(model.id, model)
    // A page that brings nothing new is the one before.
    query = page.next && models.size > before ? { ...wire.query, ...page.next } : undefined
  }
  return [...models.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

async function read(
  url: string,
  headers: Record<string, string>,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(url, { headers, signal })
  const body = await textOf(response)
  const answer = { status: response.status, headers: response.headers, body }
  if (!response.ok) throw new ModelListError('the provider refused to list its models', answer)
  try {
    return JSON.parse(body)
  } catch {
    throw new ModelListError('the answer is no JSON')
  }
}

/** @throws ModelListError for what is larger than any list */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // Leaving the loop ends the connection.
    if (bytes > MOST_BYTES) throw new ModelListError('the answer is too long')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** What it means that an answer is no list of models. */
export const unreadableList = () => providerFailure('bad_response')
