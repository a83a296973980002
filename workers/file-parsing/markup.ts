import { Parser } from 'htmlparser2'
import { malformed } from './rejection.ts'
import { xmlDecoder } from './text-encoding.ts'

/** Documents nest by a few dozen; the parser's work for an element grows with the depth at which it stands. */
const MAX_DEPTH = 1_000
/** Enough to see in what letters a document is written. */
const HEAD_BYTES = 512

/** What a reader of XML listens to; names and attributes come without namespace prefixes. */
export interface XmlListener {
  open?(name: string, attributes: Readonly<Record<string, string>>): void
  close?(name: string): void
  text?(text: string): void
}

/** A tag without its namespace prefix, which documents may choose freely. */
export const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/**
 * Attributes by their local names. Those in a namespace of relationships keep `r:` whatever prefix the document gave it: elements
 * have both `id` and `r:id`.
 */
function plainAttributes(
  attributes: Readonly<Record<string, string>>,
  namespaces: Map<string, string>,
): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const key in attributes) if (key.startsWith('xmlns:')) namespaces.set(key.slice(6), attributes[key] ?? '')
  for (const [key, value] of Object.entries(attributes)) {
    const colon = key.indexOf(':')
    if (colon < 0) plain[key] = value
    else {
      const prefix = key.slice(0, colon)
      const related = namespaces.get(prefix)?.endsWith('/relationships') ?? prefix === 'r'
      const name = key.slice(colon + 1)
      if (related) plain[`r:${name}`] = value
      else if (!(name in attributes)) plain[name] = value
    }
  }
  return plain
}

/**
 * Reads XML as it comes, without building a tree. The parser knows no DTD: entities that a document declares are never
 * expanded and nothing outside of it is ever fetched. After each piece, and behind the last end of an element, `yield`s, so that a
 * caller can pass on what it has.
 * @throws Rejection when it nests too deeply
 */
export async function* readXml(chunks: AsyncIterable<Uint8Array>, listener: XmlListener): AsyncIterable<void> {
  const namespaces = new Map<string, string>()
  let depth = 0
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (++depth > MAX_DEPTH) throw malformed('its elements are nested too deeply')
        listener.open?.(localName(name), plainAttributes(attributes, namespaces))
      },
      onclosetag(name) {
        depth--
        listener.close?.(localName(name))
      },
      ontext: (text) => listener.text?.(text),
    },
    { xmlMode: true, decodeEntities: true },
  )
  let decoder: InstanceType<typeof TextDecoder> | undefined
  let head: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    let piece: Uint8Array = chunk
    if (!decoder) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      if (head.length < HEAD_BYTES) continue
      decoder = xmlDecoder(head)
      piece = head
    }
    parser.write(decoder.decode(piece, { stream: true }))
    yield
  }
  parser.write(decoder ? decoder.decode() : xmlDecoder(head).decode(head))
  parser.end()
  yield
}

/** Reads XML to its end, and passes on after each piece what the listener has put into `done`. */
export async function* drainXml<Item>(
  chunks: AsyncIterable<Uint8Array>,
  done: Item[],
  listener: XmlListener,
): AsyncIterable<Item> {
  for await (const _piece of readXml(chunks, listener)) yield* done.splice(0)
}

/** Reads XML to its end. */
export async function consumeXml(chunks: AsyncIterable<Uint8Array>, listener: XmlListener): Promise<void> {
  for await (const _piece of readXml(chunks, listener));
}

/**
 * Leaves out what a reader shall not see: elements of given names with all that is in them, and of alternatives all but the
 * first, which say the same for other readers.
 */
export class Omitted {
  readonly #names: ReadonlySet<string>
  /** For each open `AlternateContent`, whether a branch was taken. */
  readonly #alternatives: boolean[] = []
  #depth = 0

  constructor(names: Iterable<string> = []) {
    this.#names = new Set(names)
  }

  /** Called at each start of an element; true when it is left out. */
  open(name: string): boolean {
    if (this.#depth > 0 || this.#names.has(name)) {
      this.#depth++
      return true
    }
    if (name === 'AlternateContent') this.#alternatives.push(false)
    else if ((name === 'Choice' || name === 'Fallback') && this.#alternatives.length > 0) {
      if (this.#alternatives.at(-1)) this.#depth = 1
      else this.#alternatives[this.#alternatives.length - 1] = true
    }
    return this.#depth > 0
  }

  /** Called at each end of an element; true when it was left out. */
  close(name: string): boolean {
    if (this.#depth > 0) {
      this.#depth--
      return true
    }
    if (name === 'AlternateContent') this.#alternatives.pop()
    return false
  }

  get active(): boolean {
    return this.#depth > 0
  }
}
