import { isJsonObject } from './json-object.ts'

/** A JSON object as it stands in a text. */
export interface FoundObject {
  /** Its very characters. */
  json: string
  value: Record<string, unknown>
  /** Members and elements within, all of them; and how deep they are nested. */
  values: number
  depth: number
}

/** Braces that nothing closes are passed over so often; each costs a look at the rest of the text. */
const MOST_UNCLOSED = 8
/** Deeper is nobody's answer, and what reads it might not come back. */
const MOST_DEPTH = 64

/**
 * The last JSON object of a text that is not within another: models write fences, words and drafts around it. Undefined where there is
 * none. Takes time by the text's length alone.
 */
export function objectIn(text: string): FoundObject | undefined {
  let found: FoundObject | undefined
  let unclosed = 0
  for (let from = text.indexOf('{'); from >= 0 && unclosed < MOST_UNCLOSED; ) {
    const span = spanOf(text, from)
    if (!span) unclosed += 1
    else found = parsed(text.slice(from, span.end), span) ?? found
    from = text.indexOf('{', span ? span.end : from + 1)
  }
  return found
}

interface Span {
  end: number
  values: number
  depth: number
}

/** How far the brackets reach that begin here, those in strings not counted; undefined where nothing closes them. */
export function spanOf(text: string, from: number): Span | undefined {
  let depth = 0
  let deepest = 0
  let values = 0
  let isString = false
  for (let at = from; at < text.length; at++) {
    const sign = text[at]
    if (isString) {
      if (sign === '\\') at += 1
      else if (sign === '"') isString = false
    } else if (sign === '"') isString = true
    else if (sign === ',') values += 1
    else if (sign === '{' || sign === '[') {
      values += 1
      depth += 1
      deepest = Math.max(deepest, depth)
    } else if ((sign === '}' || sign === ']') && --depth === 0) return { end: at + 1, values, depth: deepest }
  }
  return undefined
}

function parsed(json: string, { values, depth }: Span): FoundObject | undefined {
  if (depth > MOST_DEPTH) return undefined
  try {
    const value: unknown = JSON.parse(json)
    return isJsonObject(value) ? { json, value, values, depth } : undefined
  } catch {
    return undefined
  }
}
