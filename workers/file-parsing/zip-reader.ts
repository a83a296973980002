import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl'
import { archiveBomb, encrypted, malformed, Rejection } from './rejection.ts'
import { decodeText } from './text-encoding.ts'

const MAX_ENTRIES = 20_000
/** DEFLATE cannot do better than about 1032:1, and office documents stay far below this. Small entries may. */
const MAX_RATIO = 250
const RATIO_MATTERS_ABOVE = 8 * 1024 * 1024
/** The end of the list of contents is within these last bytes: its comment, and what a sloppy transfer left behind it. */
const TAIL_BYTES = 128 * 1024
const END_MARK = Buffer.from('PK\x05\x06')
const END_BYTES = 22

class FileReader extends RandomAccessReader {
  readonly #path: string

  constructor(path: string) {
    super()
    this.#path = path
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return createReadStream(this.#path, { start, end: end - 1 })
  }
}

/** Where the archive ends: bytes after it are no damage, but its reader takes none. */
async function endOf(path: string): Promise<number> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES))
    await handle.read(tail, 0, tail.length, size - tail.length)
    for (let at = tail.lastIndexOf(END_MARK); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(END_MARK, at - 1)) {
      if (at + END_BYTES > tail.length) continue
      const end = at + END_BYTES + tail.readUInt16LE(at + 20)
      if (end <= tail.length) return size - tail.length + end
    }
    return size
  } finally {
    await handle.close()
  }
}

/**
 * A zip archive whose entries are read by name. What the archive says of its sizes is checked before anything is unpacked, and
 * yauzl checks that it said the truth while unpacking.
 */
export class ZipReader {
  readonly #zip: ZipFile
  readonly #entries: Map<string, Entry>
  /** Office compares names without case. */
  readonly #anyCase: Map<string, Entry>

  private constructor(zip: ZipFile, entries: Map<string, Entry>) {
    this.#zip = zip
    this.#entries = entries
    this.#anyCase = new Map([...entries].map(([name, entry]) => [name.toLowerCase(), entry]))
  }

  #entry(name: string): Entry | undefined {
    return this.#entries.get(name) ?? this.#anyCase.get(name.toLowerCase())
  }

  /** @throws Rejection `file.malformed`, `file.encrypted`, `file.archive_bomb` */
  static async open(path: string, maxUnpackedBytes: number): Promise<ZipReader> {
    const end = await endOf(path)
    const options = { autoClose: false, strictFileNames: false }
    const zip = await fromRandomAccessReaderPromise(new FileReader(path), end, options).catch(() => {
      throw malformed('it is no readable archive')
    })
    const entries = new Map<string, Entry>()
    let unpacked = 0
    try {
      if (zip.entryCount > MAX_ENTRIES) throw archiveBomb()
      for await (const entry of zip.eachEntry()) {
        if (entry.isEncrypted()) throw encrypted()
        unpacked += entry.uncompressedSize
        const ratio = entry.uncompressedSize / Math.max(1, entry.compressedSize)
        if (unpacked > maxUnpackedBytes) throw archiveBomb()
        if (entry.uncompressedSize > RATIO_MATTERS_ABOVE && ratio > MAX_RATIO) throw archiveBomb()
        entries.set(entry.fileName, entry)
      }
    } catch (error) {
      zip.close()
      throw error instanceof Rejection ? error : malformed('its list of contents cannot be read')
    }
    return new ZipReader(zip, entries)
  }

  has(name: string): boolean {
    return this.#entry(name) !== undefined
  }

  names(): string[] {
    return [...this.#entries.keys()]
  }

  /** The bytes of an entry as they are unpacked; nothing when there is no such entry. */
  async *chunks(name: string): AsyncIterable<Buffer> {
    const entry = this.#entry(name)
    if (!entry) return
    try {
      yield* await this.#zip.openReadStreamPromise(entry)
    } catch {
      throw malformed(`${name} cannot be unpacked`)
    }
  }

  /** An entry as a whole, in whatever encoding it is. Undefined when there is none. */
  async text(name: string): Promise<string | undefined> {
    return this.has(name) ? await decodeText(await buffer(this.chunks(name))) : undefined
  }

  close(): void {
    this.#zip.close()
  }
}
