import { buffer } from 'node:stream/consumers'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { archiveBomb, encrypted, malformed, Rejection } from './rejection.ts'

const MAX_ENTRIES = 20_000
/** DEFLATE cannot do better than about 1032:1, and office documents stay far below this. Small entries may. */
const MAX_RATIO = 250
const RATIO_MATTERS_ABOVE = 8 * 1024 * 1024

/**
 * A zip archive whose entries are read by name. What the archive says of its sizes is checked before anything is unpacked, and
 * yauzl checks that it said the truth while unpacking.
 */
export class ZipReader {
  readonly #zip: ZipFile
  readonly #entries: Map<string, Entry>

  private constructor(zip: ZipFile, entries: Map<string, Entry>) {
    this.#zip = zip
    this.#entries = entries
  }

  /** @throws Rejection `file.malformed`, `file.encrypted`, `file.archive_bomb` */
  static async open(path: string, maxUnpackedBytes: number): Promise<ZipReader> {
    const zip = await openPromise(path, { autoClose: false, strictFileNames: false }).catch(() => {
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
    return this.#entries.has(name)
  }

  names(): string[] {
    return [...this.#entries.keys()]
  }

  /** The bytes of an entry as they are unpacked; nothing when there is no such entry. */
  async *chunks(name: string): AsyncIterable<Buffer> {
    const entry = this.#entries.get(name)
    if (!entry) return
    try {
      yield* await this.#zip.openReadStreamPromise(entry)
    } catch {
      throw malformed(`${name} cannot be unpacked`)
    }
  }

  /** A small entry as a whole. Undefined when there is none. */
  async text(name: string): Promise<string | undefined> {
    if (!this.has(name)) return undefined
    return (await buffer(this.chunks(name))).toString('utf8')
  }

  close(): void {
    this.#zip.close()
  }
}
