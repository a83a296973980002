import { type Logger, pino } from 'pino'

export type { Logger }

/**
 * Structured logs to stdout. They carry ids (request, run, turn, user), never text, keys or tokens;
 * `redact` is the last line of defence, not the rule.
 */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        '*.password',
        '*.apiKey',
        '*.token',
        '*.authorization',
        'err.config',
        'err.requestBodyValues',
        // A failed query carries its parameters, which are what people wrote.
        'err.parameters',
        'err.detail',
        'err.where',
        'err.driverError',
      ],
      censor: '[redacted]',
    },
  })
}

/** A logger that says nothing, for tests and tools. */
export const silentLogger: Logger = pino({ level: 'silent' })
