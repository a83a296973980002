/** Forms in which a word may stand somewhere: as it is, in an address, in JSON, as hexadecimal digits or in base64. */
export function needlesOf(word: string): string[] {
  const plain = [word, word.toLowerCase(), word.toUpperCase(), word.normalize('NFKC'), word.normalize('NFD')]
  const escaped = word.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const bytes = Buffer.from(word)
  return [...new Set([...plain, encodeURIComponent(word), escaped, bytes.toString('hex'), ...inBase64(bytes)])]
}

/** What base64 makes of these bytes wherever they stand: without the characters that their neighbours have a part in. */
function inBase64(bytes: Buffer): string[] {
  if (bytes.length < 6) return []
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const from = Math.ceil((before * 4) / 3)
    const until = Math.floor(((before + bytes.length) * 8) / 6)
    return text.slice(from, until)
  })
}

/** Where a word was found. Never more of what stands there: a report is not to spread it. */
export interface WordFound {
  /** Such as `database public.messages.content`, `store files/ab/.../original`, `redis chatsparty:...`. */
  where: string
  word: string
}

/** Finds words in bytes that come in pieces, in any of their forms, whatever the case. Keeps no more than the longest form. */
export class WordFinder {
  readonly #needles: Array<{ word: string; needle: string }>
  readonly #longest: number
  readonly #found = new Set<string>()
  #tail = ''

  constructor(words: string[]) {
    // As bytes, one character each: a word may be cut anywhere.
    this.#needles = words.flatMap((word) =>
      needlesOf(word).map((needle) => ({ word, needle: Buffer.from(needle).toString('latin1').toLowerCase() })),
    )
    this.#longest = Math.max(0, ...this.#needles.map(({ needle }) => needle.length))
  }

  add(piece: Buffer | string): void {
    const text = this.#tail + Buffer.from(piece).toString('latin1').toLowerCase()
    for (const { word, needle } of this.#needles) if (text.includes(needle)) this.#found.add(word)
    this.#tail = text.slice(Math.max(0, text.length - this.#longest + 1))
  }

  get found(): string[] {
    return [...this.#found]
  }
}

/** The words that stand in a text. */
export function wordsIn(text: Buffer | string, words: string[]): string[] {
  const finder = new WordFinder(words)
  finder.add(text)
  return finder.found
}
