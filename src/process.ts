import { type Env, EnvError, readProcessEnv } from './config/env.ts'
import { SetupError } from './database/setup-error.ts'
import { createLogger, type Logger } from './shared/logger.ts'
import { Shutdown } from './shared/shutdown.ts'

/** What a process starts from. */
export interface ProcessContext {
  env: Env
  logger: Logger
  shutdown: Shutdown
}

/**
 * Runs a process of ours: environment, logs, clean ends. What the operator can mend is one clear message and exit code 1;
 * everything else is logged whole.
 */
export async function runProcess(main: (context: ProcessContext) => Promise<void>): Promise<void> {
  let shutdown: Shutdown | undefined
  try {
    const env = readProcessEnv()
    const logger = createLogger(env.LOG_LEVEL ?? (env.NODE_ENV === 'production' ? 'info' : 'warn'))
    shutdown = new Shutdown(logger)
    shutdown.onSignals()
    process.on('unhandledRejection', (error) => logger.error({ err: error }, 'unhandled rejection'))
    await main({ env, logger, shutdown })
  } catch (error) {
    if (error instanceof EnvError || error instanceof SetupError) process.stderr.write(`${error.message}\n`)
    else console.error(error)
    await shutdown?.close()
    process.exit(1)
  }
}
