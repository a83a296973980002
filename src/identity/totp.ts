import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** What authenticator apps take for granted: SHA-1, six digits, a new code each 30 s. RFC 6238's other choices many of them ignore. */
const STEP_SECONDS = 30
const DIGITS = 6
/** Bytes of a secret: as long as the hash, as RFC 4226 recommends. */
const SECRET_BYTES = 20
/** A clock may be so many steps off. */
const SKEW_STEPS = 1
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648, without padding: what people type and apps read. */
export function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const groups = Array.from({ length: Math.ceil(bits.length / 5) }, (_, n) =>
    bits.slice(n * 5, n * 5 + 5).padEnd(5, '0'),
  )
  return groups.map((group) => ALPHABET[Number.parseInt(group, 2)]).join('')
}

/** A new secret, of 20 random bytes. */
export const newSecret = (): Buffer => randomBytes(SECRET_BYTES)

/** Which 30 seconds a moment (ms) belongs to. */
export const stepAt = (ms: number): number => Math.floor(ms / 1000 / STEP_SECONDS)

/** The code of a step: RFC 4226's truncation of the HMAC of the counter. */
export function codeOf(secret: Buffer, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', secret).update(counter).digest()
  const number = hash.readUInt32BE((hash.at(-1) ?? 0) & 0x0f) & 0x7fffffff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

/**
 * The step that a code belongs to, when it is right at this moment (ms), give or take a step, and later than `usedStep`: a code
 * that was seen by somebody else is worth nothing any more.
 */
export function stepOfCode(secret: Buffer, code: string, ms: number, usedStep: number | null): number | undefined {
  const given = Buffer.from(code)
  const now = stepAt(ms)
  for (let step = now - SKEW_STEPS; step <= now + SKEW_STEPS; step++) {
    const right = Buffer.from(codeOf(secret, step))
    if (given.length === right.length && timingSafeEqual(given, right) && step > (usedStep ?? -1)) return step
  }
  return undefined
}

/** What an authenticator app scans. */
export function otpauthUrl(secret: Buffer, email: string): string {
  const query = new URLSearchParams({ secret: base32(secret), issuer: 'Chatsparty' })
  return `otpauth://totp/Chatsparty:${encodeURIComponent(email)}?${query}`
}
