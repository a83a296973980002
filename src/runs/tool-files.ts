import { Readable } from 'node:stream'
import type { Transactions } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { cleanName } from '../storage/file-name.ts'
import { normalType } from '../storage/file-types.ts'
import type { ReceivedFile, UploadService } from '../storage/upload/upload.service.ts'
import type { ToolFile } from '../tools/tool-call.entity.ts'
import type { ToolCallRepository } from '../tools/tool-call.repository.ts'
import type { TurnClaim } from './turn-claim.ts'

export interface ToolFileDependencies {
  uploads: Pick<UploadService, 'receive' | 'acceptWithin' | 'process' | 'discard'>
  toolCalls: Pick<ToolCallRepository, 'keep'>
  transactions: Transactions
  logger: Logger
}

/** What a tool gave back that is no text, or too much of it. */
export interface MadeFile {
  name: string
  contentType: string
  data: Uint8Array
}

/** Storing what one call gave back takes so long at most, in milliseconds: its turn waits. */
const LONGEST_MS = 60_000

/**
 * What tools give back as files of the user's: counted, looked through and searched as uploads are. A call has ended before its files are stored, so that
 * nothing of its outcome hangs on them; they become the user's in the transaction that writes them into its row. Whatever stops this
 * before leaves uploads that nobody has seen, which are swept.
 */
export class ToolFiles {
  readonly #deps: ToolFileDependencies

  constructor(dependencies: ToolFileDependencies) {
    this.#deps = dependencies
  }

  /** The files of a call that has ended, as its row has them then; for which there was no room, with the reason. Null where it has none. Never rejects. */
  async keep(claim: TurnClaim, call: number, made: readonly MadeFile[], stop: AbortSignal): Promise<ToolFile[] | null> {
    const { uploads, toolCalls, transactions, logger } = this.#deps
    const received: ReceivedFile[] = []
    const signal = AbortSignal.any([stop, AbortSignal.timeout(LONGEST_MS)])
    try {
      const kept: ToolFile[] = []
      for (const file of made) kept.push(await this.#receive(claim.userId, file, received, signal))
      const files = await transactions.run(async (tx) => {
        if (!(await toolCalls.keep(claim, call, kept, tx))) return undefined
        return received.length > 0 ? uploads.acceptWithin(claim.userId, received, tx) : []
      })
      if (files) {
        await uploads.process(files)
        return kept
      }
    } catch (error) {
      logger.warn({ err: error, runId: claim.runId, turn: claim.turn, call }, 'files of a tool were not kept')
    }
    await Promise.all(received.map(({ id }) => uploads.discard(id)))
    return null
  }

  async #receive(
    userId: string,
    { name, contentType, data }: MadeFile,
    received: ReceivedFile[],
    signal: AbortSignal,
  ): Promise<ToolFile> {
    const size = data.byteLength
    const file = { name: cleanName(name), contentType: normalType(contentType), size }
    try {
      const bytes = Readable.from([Buffer.from(data.buffer, data.byteOffset, size)])
      const stored = await this.#deps.uploads.receive(userId, file, bytes, {
        signal,
        expected: { least: size, most: size },
        byTool: true,
      })
      received.push(stored)
      return { id: stored.id, ...file, problem: null }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return { id: null, ...file, problem: error.code }
    }
  }
}
