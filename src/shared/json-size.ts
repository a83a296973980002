/** Some times what any schema of ours takes: what is within is parsed, and then judged by `inspectInput`, which names the field. */
const MOST = { depth: 64, values: 6_000 }

const [QUOTE, COMMA, BACKSLASH, LIST, LIST_END, OBJECT, OBJECT_END] = [...'",\\[]{}'].map((sign) => sign.charCodeAt(0))

/**
 * Whether a JSON text is nested so deeply, or holds so many values, that reading it would hold up everybody else: 200 KB of brackets
 * take `JSON.parse` sixty milliseconds. One pass over its bytes, which ends where the answer is known; `looked` is how many there
 * were, which tests count. What is no JSON is for the parser to say.
 */
export function inspectJson(text: Uint8Array): { isTooLarge: boolean; looked: number } {
  let depth = 0
  let values = 0
  let isText = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (isText) {
      if (sign === BACKSLASH) at++
      else if (sign === QUOTE) isText = false
      continue
    }
    if (sign === QUOTE) isText = true
    else if (sign === COMMA) values++
    else if (sign === LIST || sign === OBJECT) {
      values++
      depth++
    } else if (sign === LIST_END || sign === OBJECT_END) depth--
    if (depth > MOST.depth || values > MOST.values) return { isTooLarge: true, looked: at + 1 }
  }
  return { isTooLarge: false, looked: text.length }
}
