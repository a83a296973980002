import { Parser } from 'htmlparser2'

/** A tag without its namespace prefix, which documents may choose freely. */
const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/** What a reader of XML listens to; names and attributes come without namespace prefixes. */
export interface XmlListener {
  open?(name: string, attributes: Readonly<Record<string, string>>): void
  close?(name: string): void
  text?(text: string): void
}

const decoderFor = (start: Uint8Array): InstanceType<typeof TextDecoder> => {
  if (start[0] === 0xff && start[1] === 0xfe) return new TextDecoder('utf-16le')
  if (start[0] === 0xfe && start[1] === 0xff) return new TextDecoder('utf-16be')
  return new TextDecoder('utf-8')
}

/**
 * Reads XML as it comes, without building a tree. The parser knows no DTD: entities that a document declares are never
 * expanded and nothing outside of it is ever fetched. After each piece `yield`s, so that a caller can pass on what it has.
 */
export async function* readXml(chunks: AsyncIterable<Uint8Array>, listener: XmlListener): AsyncIterable<void> {
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (!listener.open) return
        const plain: Record<string, string> = {}
        for (const [key, value] of Object.entries(attributes)) {
          // A document has both `id` and `r:id`; each shall be found under its own name.
          plain[key.startsWith('r:') ? key : localName(key)] = value
        }
        listener.open(localName(name), plain)
      },
      onclosetag: (name) => listener.close?.(localName(name)),
      ontext: (text) => listener.text?.(text),
    },
    { xmlMode: true, decodeEntities: true },
  )
  let decoder: InstanceType<typeof TextDecoder> | undefined
  for await (const chunk of chunks) {
    decoder ??= decoderFor(chunk)
    parser.write(decoder.decode(chunk, { stream: true }))
    yield
  }
  parser.end()
  yield
}

/** Reads XML to its end. */
export async function consumeXml(chunks: AsyncIterable<Uint8Array>, listener: XmlListener): Promise<void> {
  for await (const _piece of readXml(chunks, listener));
}

/** The headings above a place, as `Chapter > Section`. */
export class HeadingPath {
  readonly #levels: string[] = []

  /** Level 1 is the highest; a heading ends those of its own and lower levels. */
  set(level: number, text: string): void {
    const clean = text.replace(/\s+/g, ' ').trim()
    this.#levels.length = Math.min(this.#levels.length, level - 1)
    if (clean) this.#levels[level - 1] = clean
  }

  get current(): string | null {
    return this.#levels.filter(Boolean).join(' > ') || null
  }
}
