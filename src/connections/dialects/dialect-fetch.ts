import type { MayRead } from '../reading-shares.ts'
import { isOfValue, lessonOf, namedParameter } from './lessons.ts'
import { shapedBody, wholeUrl } from './request-shape.ts'
import type { Trait } from './traits.ts'
import { isJson, type Json, MOST_ERROR_CHARS, WireError, type WireName } from './wire.ts'
import { readableAnswer } from './wire-body.ts'

/** One call's way to its provider. */
export interface DialectCall {
  wire: WireName
  fetch: typeof fetch
  traits: readonly Trait[]
  /** No stream is asked for; the SDK gets one all the same. */
  isWhole: boolean
  onLife: () => void
  mayRead?: MayRead | undefined
}

/** The server refused the request in words that teach what it takes: to be asked once more. */
export class LessonLearnt extends Error {
  override name = 'LessonLearnt'
  readonly trait: Trait
  /** For this call only. */
  readonly isOfValue: boolean

  /** `words` are the server's. */
  constructor(trait: Trait, words: string) {
    super(`The server is to be asked otherwise: ${trait}.`)
    this.trait = trait
    this.isOfValue = isOfValue(trait, words)
  }
}

/**
 * The fetch that an SDK is given. It asks as the server accepts, and reads tolerantly what the server sends, so that the SDK,
 * which checks every event against its schema, meets only what it expects.
 * @throws LessonLearnt, WireError
 */
export const dialectFetch = (call: DialectCall): typeof fetch => {
  return async (input, init) => {
    const sent = bodyOf(init?.body)
    const url = input instanceof Request ? input.url : String(input)
    const body = sent && shapedBody(sent, call.traits, call.isWhole)
    const response = await call.fetch(call.isWhole ? wholeUrl(url) : input, {
      ...init,
      ...(body && { body: JSON.stringify(body) }),
    })
    call.onLife()
    // Gemini's bodies do not say whether a stream is wanted.
    const asked = { stream: !call.isWhole, ...body }
    if (!response.ok) return refusal(response, asked, call.traits)
    try {
      return await readableAnswer(response, call.wire, call)
    } catch (error) {
      if (error instanceof WireError && error.code === 'wire.error') {
        const { statusCode: status, responseBody: words = '' } = error
        const trait = lessonOf({ status, words, body: asked }, call.traits)
        if (trait) throw new LessonLearnt(trait, words)
      }
      throw error
    }
  }
}

async function refusal(response: Response, body: Json, traits: readonly Trait[]): Promise<Response> {
  const words = await cappedText(response)
  const trait = lessonOf({ status: response.status, words, body }, traits)
  if (trait) throw new LessonLearnt(trait, words)
  const headers = new Headers(response.headers)
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding', PARAMETER_HEADER]) headers.delete(name)
  const parameter = response.status === 400 || response.status === 422 ? namedParameter({ words, body }) : undefined
  if (parameter) headers.set(PARAMETER_HEADER, parameter)
  // A server that knows the wire says at least something: without a word, the address is another's.
  return new Response(words || `(no body, status ${response.status})`, { status: response.status, headers })
}

/** Tells the classifier which parameter of ours was refused. */
export const PARAMETER_HEADER = 'x-refused-parameter'

function bodyOf(body: unknown): Json | undefined {
  if (typeof body !== 'string') return undefined
  const parsed: unknown = JSON.parse(body)
  return isJson(parsed) ? parsed : undefined
}

async function cappedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > MOST_ERROR_CHARS) break
    }
  } catch {
    // What came says enough.
  }
  return text.slice(0, MOST_ERROR_CHARS)
}
