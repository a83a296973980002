import { hostname } from 'node:os'
import { type Logger, pino } from 'pino'
import { VERSION } from './version.ts'

export type { Logger }

/**
 * Structured logs to stdout, each line with the process that wrote it. They carry ids (request, run, turn, user), never text, keys or tokens;
 * `redact` is the last line of defence, not the rule.
 */
export function createLogger(level: string, role = 'command'): Logger {
  return pino({
    level,
    base: { role, host: hostname(), pid: process.pid, version: VERSION },
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
