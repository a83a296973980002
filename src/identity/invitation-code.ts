import { createHash, randomInt } from 'node:crypto'

/** Without letters that are read as figures, or as each other. */
const LETTERS = '23456789ABCDEFGHJKMNPQRSTVWXYZ'
const GROUPS = 5
const GROUP_CHARS = 5

/** A new code of 122 bits, in groups for people who read it out: `7QK3M-...`. */
export const newInvitationCode = (): string =>
  Array.from({ length: GROUPS }, () => Array.from({ length: GROUP_CHARS }, letter).join('')).join('-')

const letter = (): string => LETTERS[randomInt(LETTERS.length)] ?? ''

/** What is kept of a code, however it is written. It needs no salt: nobody tries 122 bits. */
export const hashOfCode = (code: string): string =>
  createHash('sha256')
    .update(code.toUpperCase().replaceAll(/[^0-9A-Z]/g, ''))
    .digest('hex')
