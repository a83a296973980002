import { z } from 'zod'

/** Errors of nodemailer, as far as they say what to do. */
const smtpError = z.object({ code: z.string().optional(), responseCode: z.number().optional() })

/**
 * Whether another try is of no use: the server has refused the recipient or the message with a 5xx. What it says of us (a wrong
 * password, a broken connection) may be mended.
 */
export function isRefusedForGood(error: unknown): boolean {
  const { code, responseCode = 0 } = smtpError.catch({}).parse(error)
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && responseCode >= 500 && responseCode < 600
}
