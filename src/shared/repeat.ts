import type { Logger } from './logger.ts'

/** Runs work again and again, `intervalMs` after it ended, until stopped. What it throws is logged. */
export function repeat(
  name: string,
  intervalMs: number,
  work: () => Promise<unknown>,
  logger: Logger,
): { stop: () => Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  const tick = () => {
    running = work()
      .catch((error: unknown) => logger.error({ err: error, name }, 'a repeated task failed'))
      .then(() => {
        if (!stopped) timer = setTimeout(tick, intervalMs)
      })
  }
  tick()
  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
      return running
    },
  }
}
