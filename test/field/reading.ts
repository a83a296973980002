import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseFile } from '../../workers/file-parsing/parse.ts'
import { parseInProcess } from '../../workers/file-parsing/parse-process.ts'
import type { ParsedChunk } from '../../workers/file-parsing/protocol.ts'

const LIMITS = { timeoutMs: 30_000, memoryMb: 512, maxPages: 500, maxTextChars: 5_000_000 }

/** A file as its reader gives it: `text` is all of it, `refused` why there is none. */
export interface Reading {
  contentType: string
  pages: number | null
  text: string
  chunks: ParsedChunk[]
  refused: { code: string; message: string } | undefined
  /** Whether pictures were made of it, and of how many of its pages. */
  image: boolean
  scans: number[]
}

async function inFolder<T>(content: Buffer | string, work: (path: string, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'chatsparty-field-'))
  try {
    const path = join(folder, 'input')
    await writeFile(path, content)
    return await work(path, folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const EMPTY = { contentType: '', pages: null, image: false, scans: [] }

const reading = (chunks: ParsedChunk[], rest: Partial<Reading>): Reading => ({
  ...EMPTY,
  refused: undefined,
  ...rest,
  chunks,
  text: chunks.map((chunk) => chunk.text).join('\n'),
})

/** Reads a file with the very code of the parsing process, without starting one. */
export const read = (name: string, contentType: string, content: Buffer | string): Promise<Reading> =>
  inFolder(content, async (path, folder) => {
    const chunks: ParsedChunk[] = []
    const request = { path, folder, name, contentType, maxPages: LIMITS.maxPages, maxTextChars: LIMITS.maxTextChars }
    for await (const message of parseFile({ ...request, maxUnpackedBytes: 1e9, maxWholeBytes: 1e9 })) {
      if (message.type === 'chunk') chunks.push(message.chunk)
      else if (message.type === 'rejected') return reading([], { refused: message })
      else {
        const { pages, image, scans } = message
        const found = { contentType: message.contentType, pages, image: image !== null }
        return reading(chunks, { ...found, scans: scans?.pages.map(({ page }) => page) ?? [] })
      }
    }
    throw new Error('The reader said nothing.')
  })

/** Reads a file in the process that reads uploads, with its limits and permissions: for what loads more than our own code. */
export const readInProcess = (name: string, contentType: string, content: Buffer | string): Promise<Reading> =>
  inFolder(content, async (path, folder) => {
    const outcome = await parseInProcess(
      { path, folder, name, contentType },
      LIMITS,
      AbortSignal.timeout(LIMITS.timeoutMs),
    )
    if (outcome.type === 'crashed') throw new Error(`${outcome.reason}: ${outcome.detail}`)
    if (outcome.type === 'rejected') return reading([], { refused: outcome })
    const { contentType: kind, pages, image, scans, chunks } = outcome
    const found = { contentType: kind, pages, image: image !== null }
    return reading(chunks, { ...found, scans: scans?.pages.map(({ page }) => page) ?? [] })
  })
