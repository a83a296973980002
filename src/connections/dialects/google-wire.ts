import {
  breakageOf,
  count,
  isJson,
  type Json,
  json,
  list,
  sse,
  text,
  WireError,
  type WireReader,
  type Written,
} from './wire.ts'

const COUNTS = [
  'promptTokenCount',
  'candidatesTokenCount',
  'thoughtsTokenCount',
  'cachedContentTokenCount',
  'toolUsePromptTokenCount',
  'totalTokenCount',
]

/** Gemini's generateContent, streamed or whole. An end is a candidate's `finishReason`, or `promptFeedback`. */
export class GoogleWire implements WireReader {
  #id = ''
  #end: string | undefined
  #continuation: string | undefined
  #counts: Record<string, number> | undefined
  #usage: Json | undefined
  readonly isFinal = false
  isHeard = false

  get isEnded(): boolean {
    return this.#end !== undefined
  }

  done(): void {}

  read(value: Json): Written {
    const { blockReason } = json(value.promptFeedback)
    const candidate = list(value.candidates).map(json)[0]
    if (!candidate && text(blockReason) && !text(blockReason).includes('UNSPECIFIED')) {
      throw new WireError('content_refused', { responseBody: text(blockReason) })
    }
    if (isJson(value.usageMetadata)) this.#count(value.usageMetadata)
    if (!candidate) {
      this.isHeard ||= isJson(value.usageMetadata)
      return []
    }
    this.isHeard = true
    this.#id ||= text(value.responseId)
    const parts = list(json(candidate.content).parts).flatMap(partOf)
    const reason = text(candidate.finishReason)
    if (reason && reason !== 'FINISH_REASON_UNSPECIFIED') {
      const breakage = breakageOf(reason)
      if (breakage) throw breakage
      // A call where none was allowed is none.
      this.#end = reason === 'UNEXPECTED_TOOL_CALL' ? 'STOP' : reason
      this.#continuation = text(candidate.continuationToken) || undefined
    }
    return parts.map((part) => {
      const { text: words, thought, ...others } = part
      if (typeof words !== 'string' || Object.keys(others).length > 0) return this.#part(part)
      const key = thought === true ? 'thought' : 'text'
      return { key, words, write: (all) => this.#part({ ...part, text: all }) }
    })
  }

  close(): string {
    return this.#chunk(
      {
        content: { role: 'model', parts: [] },
        finishReason: this.#end ?? 'STOP',
        ...(this.#continuation && { continuationToken: this.#continuation }),
      },
      this.#usage && { usageMetadata: this.#usage },
    )
  }

  #part(part: Json): string {
    return this.#chunk({ content: { role: 'model', parts: [part] } })
  }

  #chunk(candidate: Json, more: Json = {}): string {
    return sse({ responseId: this.#id || 'answer', candidates: [{ index: 0, ...candidate }], ...more })
  }

  #count(usage: Json): void {
    const counts = COUNTS.flatMap((key) => {
      const counted = count(usage[key])
      return counted === undefined ? [] : [[key, counted] as const]
    })
    if (counts.length === 0) return
    const all: Record<string, number> = { ...this.#counts, ...Object.fromEntries(counts) }
    this.#counts = all
    const { promptTokenCount = 0, candidatesTokenCount = 0, thoughtsTokenCount = 0, totalTokenCount } = all
    // Gemini counts thoughts beside the answer; where the total says that they are within it, they are taken out of it.
    const areWithin =
      thoughtsTokenCount <= candidatesTokenCount && totalTokenCount === promptTokenCount + candidatesTokenCount
    this.#usage = areWithin ? { ...all, candidatesTokenCount: candidatesTokenCount - thoughtsTokenCount } : all
  }
}

function partOf(value: unknown): Json[] {
  const part = json(value)
  const signature = text(part.thoughtSignature) ? { thoughtSignature: text(part.thoughtSignature) } : {}
  if (isJson(part.functionCall)) {
    const { name, args, id } = part.functionCall
    return [{ functionCall: { name: text(name), args: json(args), ...(text(id) && { id: text(id) }) }, ...signature }]
  }
  if (typeof part.text !== 'string' || (part.text === '' && !text(part.thoughtSignature))) return []
  return [{ text: part.text, ...(part.thought === true && { thought: true }), ...signature }]
}
