import { type Env, EnvError, readProcessEnv } from './config/env.ts'
import { SetupError } from './database/setup-error.ts'
import type { Role } from './fleet/fleet-process.entity.ts'
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
 * everything else is shown with its stack.
 */
export async function runProcess(
  main: (context: ProcessContext) => Promise<void>,
  role: Role | 'command' = 'command',
): Promise<void> {
  let shutdown: Shutdown | undefined
  try {
    const env = readProcessEnv()
    const logger = createLogger(env.LOG_LEVEL ?? (env.NODE_ENV === 'production' ? 'info' : 'warn'), role)
    shutdown = new Shutdown(logger, (line) => void process.stdout.write(`${line}\n`))
    // A terminal that was closed takes no more lines, which is no reason to end otherwise than cleanly.
    for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
    process.on('unhandledRejection', (error) => logger.error({ err: error }, 'unhandled rejection'))
    const starting = main({ env, logger, shutdown })
    shutdown.onSignals(starting)
    await starting
  } catch (error) {
    // Cut short by a signal, whose handler ends the process.
    if (shutdown?.isSignalled) return
    process.stderr.write(`${describe(error)}\n`)
    await shutdown?.close()
    process.exit(1)
  }
}

/** Never the error's other properties: those of a failed query are what people wrote. */
function describe(error: unknown): string {
  if (error instanceof EnvError || error instanceof SetupError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
