import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { KEY_PREFIX } from '../contract/auth-user.ts'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SECRET_BYTES = 32
/** 62^43 is more than 2^256, 62^6 more than 2^32. */
const SECRET_DIGITS = 43
const CHECK_DIGITS = 6
/** Of the digits, so many are shown of a key in lists: 208 bits of it stay unknown. */
const SHOWN_DIGITS = 8

const FORM = /^cp_[0-9A-Za-z]{49}$/

/**
 * A new key: `cp_`, 256 random bits and their CRC-32, in base 62, so that scanners of secrets know one without asking
 * (`\bcp_[0-9A-Za-z]{49}\b`), and a mistyped one is told from one that was revoked.
 */
export function newSecret(): string {
  const secret = base62(BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`), SECRET_DIGITS)
  return `${KEY_PREFIX}${secret}${checkOf(secret)}`
}

/** True of a text that may be a key: of its form, and with the right check digits. Nothing else is looked for in the database. */
export function isWhole(key: string): boolean {
  if (!FORM.test(key)) return false
  const digits = key.slice(KEY_PREFIX.length)
  return checkOf(digits.slice(0, SECRET_DIGITS)) === digits.slice(SECRET_DIGITS)
}

/** What is stored of a key. One round of SHA-256 is enough, and needs no server key: 256 random bits are guessed by nobody. */
export const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest()

/** What is shown of a key, to be told from others. */
export const shownOf = (key: string): string => key.slice(0, KEY_PREFIX.length + SHOWN_DIGITS)

const checkOf = (secret: string): string => base62(BigInt(crc32(secret)), CHECK_DIGITS)

function base62(number: bigint, length: number): string {
  let digits = ''
  for (let rest = number; digits.length < length; rest /= 62n) digits = DIGITS.charAt(Number(rest % 62n)) + digits
  return digits
}
