import { createHmac, randomBytes } from 'node:crypto'
import { base32 } from './totp.ts'

const CODES = 10
/** 80 bits: nobody guesses them, so a fast hash is enough, and looking one up costs nothing. */
const CODE_BYTES = 10

/** Codes to be written down, in groups of four. */
export const newRecoveryCodes = (): string[] =>
  Array.from({ length: CODES }, () => {
    const letters = base32(randomBytes(CODE_BYTES))
    return [0, 4, 8, 12].map((at) => letters.slice(at, at + 4)).join('-')
  })

/** How a code is kept, however it is written. Another user's equal code has another hash. */
export const recoveryHash = (userId: string, code: string): string =>
  createHmac('sha256', userId).update(code.replaceAll('-', '').replaceAll(' ', '').toUpperCase()).digest('base64url')
