import type { Readable } from 'node:stream'
import { AppError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { FileLimits } from '../file-limits.ts'
import type { Store } from '../store/store.ts'
import { type ByteMeter, TooManyBytes } from './byte-meter.ts'

/** A body on its way into the store. */
export interface Pouring {
  /** Of the file. */
  id: string
  key: string
  body: Readable
  /** All bytes go through it. */
  meter: ByteMeter
  /** Keeps the row of an upload that moves from being swept; false gives the upload up. */
  renew: () => Promise<boolean>
  /** The client is gone. */
  signal: AbortSignal | undefined
  store: Store
  limits: Pick<FileLimits, 'uploadIdleMs' | 'uploadIdleBytes'>
  logger: Logger
}

export const interrupted = () => new AppError('upload.interrupted')

/**
 * Puts a body into the store, and gives up one that hardly moves.
 * @throws TooManyBytes; AppError 400 `upload.interrupted`, 503 `storage.unavailable`
 */
export async function pour(pouring: Pouring): Promise<void> {
  const { id, key, body, meter, signal, store, logger } = pouring
  const abort = new AbortController()
  const onGone = () => abort.abort(interrupted())
  if (signal?.aborted) onGone()
  signal?.addEventListener('abort', onGone, { once: true })
  const progress = watch(pouring, onGone)
  let clientFailed = false
  const onBroken = (error = new Error('closed early')) => {
    clientFailed = true
    meter.destroy(error)
  }
  body.once('error', onBroken)
  body.once('close', () => body.readableEnded || onBroken())
  // Before anybody listened.
  if (body.destroyed) onBroken(body.errored ?? undefined)
  let overLimit: TooManyBytes | undefined
  meter.once('error', (error) => {
    if (error instanceof TooManyBytes) overLimit = error
  })
  body.pipe(meter)
  try {
    await store.put(key, meter, { signal: abort.signal })
  } catch (error) {
    if (overLimit) throw overLimit
    if (clientFailed || abort.signal.aborted) throw interrupted()
    logger.error({ err: error, fileId: id }, 'the store failed during an upload')
    throw new AppError('storage.unavailable')
  } finally {
    clearInterval(progress)
    signal?.removeEventListener('abort', onGone)
    body.unpipe(meter)
    meter.destroy()
  }
}

function watch({ id, meter, renew, limits, logger }: Pouring, giveUp: () => void): NodeJS.Timeout {
  let seen = 0
  return setInterval(() => {
    if (meter.size - seen < limits.uploadIdleBytes) return giveUp()
    seen = meter.size
    renew().then(
      (alive) => alive || giveUp(),
      (error: unknown) => logger.warn({ err: error, fileId: id }, 'upload deadline not extended'),
    )
  }, limits.uploadIdleMs).unref()
}
