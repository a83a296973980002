/** Between words of a text; also what surrounds an address, and is no part of it. */
const BETWEEN = /[\s<>"'`()[\]{}|\\^]+/u
const CLOSING = new Set(['.', ',', ';', ':', '!', '?', '*', '_'])
/** Addresses that are looked for in what was written, the latest, and UTF-16 units of each. */
const MOST_ADDRESSES = 200
const MOST_CHARS = 2_000

/**
 * Addresses that stand in texts as they are: to read one of them carries nothing out that its writer did not write. Without their scheme, and
 * without what a server is not sent.
 */
export class WrittenAddresses {
  readonly #texts: readonly string[]
  /** They are looked for once somebody asks: most turns read no page. */
  #keys: ReadonlySet<string> | undefined

  /** @param texts the oldest first */
  constructor(texts: readonly string[]) {
    this.#texts = texts
  }

  has(address: string): boolean {
    const key = keyOf(address)
    if (key === undefined) return false
    this.#keys ??= keysIn(this.#texts)
    return this.#keys.has(key)
  }
}

function keysIn(texts: readonly string[]): Set<string> {
  const keys = new Set<string>()
  for (const text of texts.toReversed()) {
    for (const word of text.split(BETWEEN).reverse()) {
      if (keys.size >= MOST_ADDRESSES) return keys
      const key = keyOf(withoutEnd(word))
      if (key) keys.add(key)
    }
  }
  return keys
}

function withoutEnd(word: string): string {
  let end = word.length
  while (end > 0 && CLOSING.has(word.charAt(end - 1))) end--
  return word.slice(0, end)
}

/** Undefined for what is no address of the web. */
function keyOf(word: string): string | undefined {
  if (word.length > MOST_CHARS || !word.includes('.')) return undefined
  const address = word.includes('://') ? word : `https://${word}`
  if (!URL.canParse(address)) return undefined
  const { protocol, host, pathname, search, username, password } = new URL(address)
  if ((protocol !== 'https:' && protocol !== 'http:') || username || password) return undefined
  return `${host}${pathname.endsWith('/') ? pathname.slice(0, -1) : pathname}${search}`
}
